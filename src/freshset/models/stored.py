"""Predictions made elsewhere, by item id: ``preds:FILE``.

A ``.parquet``, ``.csv`` or ``.npz`` file with a column of ids (``item_id``, ``image_id`` or ``id``)
and one of

- scores of all classes: a list or matrix ``logits``, ``probabilities`` or ``scores``, or a column a
  class, ``logit:cat``, ``probability:cat`` or ``score:cat``, whose names are the class keys;
- classes: ``prediction`` or ``pred``, or several, best first: a list or matrix ``topk_id``, or
  columns ``pred_1``, ``pred_2``, ...; ids, or keys of the classes in ``?classes=FILE``;
- answers to questions (``answer``), or likelihoods of documents (``nll``, ``tokens``, ``bytes``).

A ``.npy`` file has one matrix of scores or array of classes, and its ids, one a line, in
``?ids=FILE``.  Options: ``ids``, ``classes``, and ``column`` with ``kind`` (``logits``,
``probabilities``, ``scores``, ``classes``) for another column.

Such a model takes no pixels: its input is the item's id, so nothing is decoded for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.records import Task
from freshset.models.base import ModelInfo, Outputs, Runtime
from freshset.models.local import (
    existing_file,
    no_revision,
    one_of,
    only_fp32,
    read_classes,
    read_lines,
)
from freshset.models.preprocessing import IdPreprocessing
from freshset.models.reference import ModelRef
from freshset.models.stored_tables import Table, open_table
from freshset.models.weights import check_digest, files_digest

_IDS = ("item_id", "image_id", "id")
_WHOLE: dict[Outputs, tuple[str, ...]] = {
    "logits": ("logits",),
    "probabilities": ("probabilities", "probs"),
    "scores": ("scores",),
    "classes": ("topk_id", "predictions", "prediction", "pred"),
    "answers": ("answer",),
}
_BY_CLASS: dict[Outputs, str] = {
    "logits": "logit:", "probabilities": "probability:", "scores": "score:",
}  # fmt: skip
_LIKELIHOODS = ("nll", "tokens", "bytes")
_KINDS: tuple[Outputs, ...] = ("logits", "probabilities", "scores", "classes")
_TASKS: dict[Outputs, Task] = {
    "answers": "question-answering", "likelihoods": "language-modelling",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Found:
    """Columns of a file that hold the predictions; ``keys`` where they are named by class."""

    outputs: Outputs
    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()


class StoredModel:
    """Looks predictions up; a `freshset.models.base.Model`."""

    def __init__(
        self, info: ModelInfo, where: str, ids: Sequence[str], values: npt.NDArray[Any]
    ) -> None:
        self.info = info
        self._where = where
        self._values = values
        self._row = {item: row for row, item in enumerate(ids)}
        if len(self._row) != len(values):
            row = next(row for row, item in enumerate(ids) if self._row[item] != row)
            raise DataError(
                f"{where}: row {row}: the id {ids[row]!r} occurs twice.",
                "Keep one prediction an item, and one model a file.",
            )

    def predict(self, batch: Sequence[str]) -> Any:
        """Return what is stored for some ids, in their order; see `Model.predict`.

        Raises
        ------
        DataError
            When there is nothing for one of them; names the first.
        """
        rows = [self._row.get(item, -1) for item in batch]
        if -1 in rows:
            raise DataError(
                f"{self._where}: has no prediction for {batch[rows.index(-1)]!r}.",
                "Predict every item of the test set, under the ids of the test set.",
            )
        out = self._values[rows]
        return out.tolist() if self.info.outputs == "answers" else out


class StoredAdapter:
    """Reads the names of the columns to describe a file, and all of them only to load it."""

    def expand(self, pattern: str) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        """Files are not listed."""
        return ()

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return _open(ref, runtime)[0]

    def load(self, ref: ModelRef, runtime: Runtime) -> StoredModel:
        """See `freshset.models.base.Adapter.load`."""
        info, table, found = _open(ref, runtime)
        values = _values(table, found, info.classes)
        ids = _ids(ref, runtime, table)
        if not len(values) or len(ids) != len(values):
            raise DataError(f"{table.path}: {len(ids)} ids for {len(values)} predictions.")
        if found.outputs in _BY_CLASS:
            width = values.shape[1]
            if info.classes is not None and len(info.classes) != width:
                raise DataError(f"{table.path}: {width} scores for {len(info.classes)} classes.")
            info = replace(info, n_outputs=width)
        return StoredModel(info, str(table.path), ids, values)


ADAPTER = StoredAdapter()


def _open(ref: ModelRef, runtime: Runtime) -> tuple[ModelInfo, Table, _Found]:
    ref.check_options(("ids", "classes", "column", "kind", "sha256"))
    no_revision(ref)
    only_fp32(ref, runtime, "its numbers were made before")
    files = [existing_file(ref, runtime, ref.name)]
    if ref.option("ids") is not None:
        files.append(existing_file(ref, runtime, str(ref.option("ids"))))
    table = open_table(files[0])
    found = _find(ref, table)
    classes = ClassSpace("", found.keys) if found.keys else None
    if ref.option("classes") is not None:
        classes = read_classes(existing_file(ref, runtime, str(ref.option("classes"))))
        if found.keys and classes.keys != found.keys:
            raise UsageError(
                f"{ref}: the columns name other classes, or in another order, than ?classes.",
                "Leave ?classes out: the columns say what they are.",
            )
    digest = files_digest(files)
    check_digest(ref, digest)
    info = ModelInfo(
        ref,
        "preds/1",
        IdPreprocessing(),
        found.outputs,
        task=_TASKS.get(found.outputs, "classification"),
        input="id",
        classes=classes,
        n_outputs=len(classes) if classes is not None and found.outputs in _BY_CLASS else 0,
        weights=digest,
    )
    return info, table, found


def _find(ref: ModelRef, table: Table) -> _Found:
    """The columns that are asked for, or else the first that are known by name."""
    column, is_npy = ref.option("column"), table.path.suffix.lower() == ".npy"
    if column is not None and str(column) not in table.names:
        raise UsageError(f"{ref}: no column {column!r}.", did_you_mean(str(column), table.names))
    if column is not None:
        return _Found(one_of(ref, "kind", _KINDS), (str(column),))
    if is_npy:
        default: Outputs = "classes" if table.names == ("prediction",) else "scores"
        return _Found(one_of(ref, "kind", (default, *_KINDS)), table.names)
    if ref.option("kind") is not None:
        raise UsageError(f"{ref}: kind is given without a column.", "Add ?column=NAME.")
    return _known(table)


def _known(table: Table) -> _Found:
    names = table.names
    for outputs, known in _WHOLE.items():
        prefix = _BY_CLASS.get(outputs)
        for name in known:
            if name in names:
                return _Found(outputs, (name,))
        parts = [name for name in names if prefix and name.startswith(prefix)]
        if parts:
            return _Found(outputs, tuple(parts), tuple(n.removeprefix(prefix or "") for n in parts))
    ranked = takewhile(lambda name: name in names, (f"pred_{i}" for i in count(1)))
    if "pred_1" in names:
        return _Found("classes", tuple(ranked))
    if all(name in names for name in _LIKELIHOODS):
        return _Found("likelihoods", _LIKELIHOODS)
    raise DataError(
        f"{table.path}: no column of predictions; it has {', '.join(names)}.",
        "Name it prediction, topk_id, logits, probabilities or scores, or say ?column=NAME.",
    )


def _ids(ref: ModelRef, runtime: Runtime, table: Table) -> list[str]:
    listed = ref.option("ids")
    if listed is not None:
        return read_lines(existing_file(ref, runtime, str(listed)))
    name = next((name for name in _IDS if name in table.names), None)
    if name is None:
        raise DataError(
            f"{table.path}: no column of item ids.",
            f"Name it {_IDS[0]}, or give a file with one id a line: ?ids=FILE.",
        )
    return table.ids(name)


def _values(table: Table, found: _Found, classes: ClassSpace | None) -> npt.NDArray[Any]:
    parts = [table.column(name) for name in found.columns]
    values = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
    if found.outputs == "answers":
        return np.array([str(text) for text in values], dtype=object)
    if found.outputs == "likelihoods":
        return values.astype(np.float64)
    if found.outputs == "classes":
        return _class_ids(values, table.path, classes)
    if values.dtype.kind not in "fiu" or values.ndim != 2:
        raise DataError(
            f"{table.path}: {found.columns[0]} is no matrix of numbers with a row an item.",
            "Store one score a class for every item.",
        )
    return values.astype(np.float32)


def _class_ids(
    values: npt.NDArray[Any], path: Path, classes: ClassSpace | None
) -> npt.NDArray[np.int32]:
    if values.dtype.kind in "iu":
        ids = values.astype(np.int64)
        top = len(classes) if classes is not None else 2**31
        bad = (ids < 0) | (ids >= top)
        if bad.any():
            row = int(np.argwhere(bad)[0][0])
            raise DataError(f"{path}: row {row}: {values[row]} is outside the {top} classes.")
        return ids.astype(np.int32)
    if values.dtype.kind == "f":
        raise DataError(
            f"{path}: classes are whole numbers or keys, not fractions or empty cells.",
            "Store a class id for every item; of scores say ?kind=scores.",
        )
    if classes is None:
        raise UsageError(
            f"{path}: predicts classes by name, as {str(values.flat[0])!r}.",
            "Say which they are: ?classes=FILE, one key a line.",
        )
    for place, key in np.ndenumerate(values):
        if str(key) not in classes:
            raise DataError(
                f"{path}: row {place[0]}: {key!r} is none of the classes.",
                did_you_mean(str(key), classes.keys),
            )
    known = [classes.id_of(str(key)) for key in values.flat]
    return np.array(known, dtype=np.int32).reshape(values.shape)
