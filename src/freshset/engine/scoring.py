"""From what a model gives for a batch to the columns of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.records import TestSet
from freshset.datasets.base import Question
from freshset.datasets.mappings import ClassMapping
from freshset.models.base import Outputs
from freshset.stats.answers import exact_match, f1

Columns = dict[str, npt.NDArray[Any]]
_FLOAT16_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Turns the outputs of one model on one test set into columns.

    Attributes
    ----------
    model
        Its name, for messages.
    topk
        Classes kept for every item.
    save_scores
        Whether to keep all scores.
    """

    model: str
    testset: TestSet
    outputs: Outputs
    mapping: ClassMapping | None
    topk: int
    save_scores: bool

    def columns(self, raw: Any, rows: slice, items: Sequence[Any]) -> Columns:
        """Return the columns of some rows of the test set.

        Parameters
        ----------
        raw
            As `freshset.models.base.Model.predict` returns it.
        items
            The items themselves, for tasks whose reference answers they hold; else unused.

        Raises
        ------
        DataError
            When shape, classes or values are not what they must be.
        """
        if self.testset.task == "question-answering":
            return self._answers(raw, rows, items)
        if self.testset.task == "language-modelling":
            return self._likelihoods(raw, rows)
        if self.outputs == "classes":
            return self._classes(raw, rows)
        return self._scores(raw, rows)

    def _scores(self, raw: Any, rows: slice) -> Columns:
        scores = np.asarray(raw, dtype=np.float32)
        self._check_shape(scores, rows, 2)
        bad = ~np.isfinite(scores).all(axis=1)
        if bad.any():
            row = rows.start + int(bad.argmax())
            raise DataError(
                f"{self.model}: a score that is NaN or infinite at {self._item(row)}.",
                "Check the weights and the preprocessing; with fp16, try --precision fp32.",
            )
        outputs = self.outputs
        if self.mapping is not None:
            self._check_width(scores.shape[1], len(self.mapping.source))
            scores, outputs = self.mapping.apply(scores, outputs)
        self._check_width(scores.shape[1], self.testset.n_classes)
        top = best(scores, min(self.topk, scores.shape[1]))
        out: Columns = {"topk_id": top}
        logs = _log_probabilities(scores, outputs)
        if logs is not None:
            out["topk_prob"] = np.exp(np.take_along_axis(logs, top, axis=1)).astype(np.float32)
            out["label_logprob"] = self._label_logprob(logs, rows)
        if self.save_scores:
            out["scores"] = scores.clip(-_FLOAT16_MAX, _FLOAT16_MAX).astype(np.float16)
        return out

    def _label_logprob(self, logs: npt.NDArray[np.float64], rows: slice) -> npt.NDArray[np.float32]:
        """Log-probability of the right answer: of the label, or of all accepted classes together."""
        if self.testset.accepted is None:
            labels = self.testset.known_labels[rows]
            return np.asarray(logs[np.arange(len(labels)), labels], dtype=np.float32)
        sets = self.testset.accepted[rows]
        item = np.repeat(np.arange(len(sets)), np.diff(sets.offsets))
        right = np.zeros(len(sets))
        np.add.at(right, item, np.exp(logs[item, sets.classes]))
        with np.errstate(divide="ignore"):
            return np.log(right).astype(np.float32)

    def _classes(self, raw: Any, rows: slice) -> Columns:
        ids = np.asarray(raw)
        if ids.dtype.kind not in "iu":
            raise DataError(f"{self.model}: classes of type {ids.dtype}, not whole numbers.")
        ids = ids[:, None] if ids.ndim == 1 else ids
        self._check_shape(ids, rows, 2)
        width = self.testset.n_classes if self.mapping is None else len(self.mapping.source)
        bad = ((ids < 0) | (ids >= width)).any(axis=1)
        if bad.any():
            row = rows.start + int(bad.argmax())
            raise DataError(
                f"{self.model}: a class outside 0..{width - 1} at {self._item(row)}.",
                "Give class ids of the test set, or name the classes of the model.",
            )
        top = ids.astype(np.int32)
        return {"topk_id": top if self.mapping is None else self.mapping.apply_classes(top)}

    def _answers(self, raw: Any, rows: slice, items: Sequence[Any]) -> Columns:
        answers = [str(text) for text in raw]
        questions: list[Question] = list(items)
        if len(answers) != rows.stop - rows.start:
            raise DataError(f"{self.model}: {len(answers)} answers to {len(questions)} questions.")
        pairs = list(zip(answers, (q.answers for q in questions), strict=True))
        return {
            "answer": np.array(answers, dtype=object),
            "exact_match": np.array([exact_match(a, gold) for a, gold in pairs], dtype=bool),
            "f1": np.array([f1(a, gold) for a, gold in pairs], dtype=np.float32),
        }

    def _likelihoods(self, raw: Any, rows: slice) -> Columns:
        table = np.asarray(raw, dtype=np.float64)
        self._check_shape(table, rows, 2)
        if table.shape[1] != 3 or not np.isfinite(table).all():
            raise DataError(f"{self.model}: likelihoods that are not three finite numbers an item.")
        tokens, size = table[:, 1].astype(np.int32), table[:, 2].astype(np.int32)
        return {"nll": table[:, 0], "tokens": tokens, "bytes": size}

    def _check_shape(self, values: npt.NDArray[Any], rows: slice, axes: int) -> None:
        if values.ndim != axes or len(values) != rows.stop - rows.start:
            raise DataError(
                f"{self.model}: outputs of shape {values.shape} for {rows.stop - rows.start} items.",
                "A model must give one row an item.",
            )

    def _check_width(self, width: int, wanted: int) -> None:
        if width != wanted:
            raise DataError(
                f"{self.model}: {width} outputs where {self.testset.id} needs {wanted}.",
                "Take a model with these classes, or name its classes and a mapping.",
            )

    def _item(self, row: int) -> str:
        return f"row {row} of {self.testset.id} ({self.testset.ids[row]!r})"


def best(scores: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int32]:
    """Class ids of the ``k`` largest scores, best first; of equal scores the smaller id is first.

    Parameters
    ----------
    scores
        Shape (items, classes).
    """
    n, classes = scores.shape
    if k == 1:
        return np.asarray(scores.argmax(axis=1)[:, None], dtype=np.int32)
    if classes <= 4 * k:
        return np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int32)
    # The k-th largest value splits the row; sorting the few candidates by id first settles ties.
    split = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
    above = (scores >= split).sum(axis=1)
    out = np.empty((n, k), dtype=np.int32)
    plain = above == k
    _, where = np.nonzero((scores >= split) & plain[:, None])
    candidates = where.reshape(-1, k)
    order = np.argsort(-np.take_along_axis(scores[plain], candidates, axis=1), 1, kind="stable")
    out[plain] = np.take_along_axis(candidates, order, axis=1)
    for row in np.flatnonzero(~plain):
        out[row] = np.argsort(-scores[row], kind="stable")[:k]
    return out


def _log_probabilities(
    scores: npt.NDArray[np.float32], outputs: Outputs
) -> npt.NDArray[np.float64] | None:
    """Natural logarithms of probabilities, float64; ``None`` when the scores are no such thing."""
    if outputs == "logits":
        shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
    if outputs == "probabilities":
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(scores.astype(np.float64)))
    return None
