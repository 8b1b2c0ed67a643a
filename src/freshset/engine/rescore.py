"""Other labels, other classes or a part of a test set, scored from what is stored: no model is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.identity import CellSpec, RunSpec
from freshset.core.records import Cell, TestSet
from freshset.datasets.mappings import ClassMapping
from freshset.engine.pairing import mapping_text
from freshset.engine.scoring import Columns, Scorer
from freshset.models.base import Outputs
from freshset.store.base import Examples, Store


@dataclass(frozen=True, slots=True)
class Rescored:
    """What was scored again.

    Attributes
    ----------
    cells
        New cells, one a model.
    ties
        Items a model whose first two classes have equal scores as stored (float16), so that rounding
        may have decided; only where scores were needed.
    """

    cells: tuple[Cell, ...]
    ties: dict[str, int]


def rescore(
    store: Store,
    source: str,
    target: TestSet,
    rows: npt.NDArray[np.intp],
    mapping: ClassMapping | None = None,
) -> Rescored:
    """Score the stored predictions on one test set as predictions on another.

    Parameters
    ----------
    source
        Test set whose cells are there.
    target
        The new test set: other labels, accepted classes, classes, or fewer items.
    rows
        Rows of the source that the items of the target are, in their order, shape (target.n,).
    mapping
        From the classes of the source to those of the target, where they differ.

    Raises
    ------
    StoreError
        When there are no predictions on the source.
    DataError
        When the mapping needs full scores and some model has none; all of them are named.
    """
    if target.id == source:
        raise UsageError(f"{source!r} cannot be scored again under its own name.")
    cells = [cell for cell in store.cells(source) if cell.kind == "examples"]
    if not cells:
        raise StoreError(f"{store.location}: no predictions on {source!r}.")
    if mapping is not None and mapping.needs == "scores":
        _check_scores(cells, mapping)
    with store.batch() as batch:
        batch.put_testset(target)
    made: list[Cell] = []
    ties: dict[str, int] = {}
    for cell in cells:
        columns, tied = _columns(store, cell, target, rows, mapping)
        if tied is not None:
            ties[cell.spec.model] = tied
        made += _put(store, cell, target, columns, mapping)
    return Rescored(tuple(made), ties)


def _check_scores(cells: Sequence[Cell], mapping: ClassMapping) -> None:
    without = [cell.spec.model for cell in cells if not cell.scores_sha256]
    if without:
        raise DataError(
            f"The mapping {mapping.name!r} needs full scores, and {len(without):,} of "
            f"{len(cells):,} models have none (first {without[0]!r}).",
            "The best of some classes need not be among the stored best of all. Run these models "
            "with --save scores.",
        )


def _columns(
    store: Store,
    cell: Cell,
    target: TestSet,
    rows: npt.NDArray[np.intp],
    mapping: ClassMapping | None,
) -> tuple[Columns, int | None]:
    """Columns of the new cell, and how many items are tied where scores were needed."""
    stored = store.columns(cell)
    topk = stored["topk_id"] if "topk_id" in stored else stored["pred"][:, None]
    outputs = cast("Outputs", cell.spec.run.outputs if cell.spec.run else "scores")
    if cell.spec.run is not None and cell.spec.run.mapping:
        outputs = "scores"  # what a mapping made of them is not recorded
    scores = store.scores(cell)
    scorer = Scorer(cell.spec.model, target, outputs, mapping, topk.shape[1], save_scores=False)
    if mapping is not None and mapping.needs == "scores":
        if scores is None:
            raise DataError(f"{cell.spec.model}: no full scores.")
        return _from_scores(scorer, scores, rows)
    out: Columns = {"topk_id": topk[rows] if mapping is None else mapping.apply_classes(topk[rows])}
    if mapping is None and "topk_prob" in stored:
        out["topk_prob"] = stored["topk_prob"][rows]
        if scores is not None:
            # The label is another one, so its probability is taken from the scores.
            parts = _parts(scorer, scores, rows)
            out["label_logprob"] = np.concatenate([part["label_logprob"] for part in parts])
    return out, None


def _from_scores(
    scorer: Scorer, scores: npt.NDArray[np.float16], rows: npt.NDArray[np.intp]
) -> tuple[Columns, int]:
    parts = list(_parts(scorer, scores, rows))
    out = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return out, int(out.pop("tied").sum())


def _parts(
    scorer: Scorer, scores: npt.NDArray[np.float16], rows: npt.NDArray[np.intp]
) -> Iterator[Columns]:
    """Columns of some thousand rows at a time, so that all scores are never in memory."""
    for start in range(0, len(rows), 4096):
        part = slice(start, min(start + 4096, len(rows)))
        raw = scores[rows[part]].astype(np.float32)
        columns = scorer.columns(raw, part, ())
        mapped: npt.NDArray[Any] = raw
        if scorer.mapping is not None:
            mapped, _ = scorer.mapping.apply(raw, scorer.outputs)
        best = mapped.max(axis=1, keepdims=True)
        yield columns | {"tied": (mapped == best).sum(axis=1) > 1}


def _put(
    store: Store, cell: Cell, target: TestSet, columns: Columns, mapping: ClassMapping | None
) -> list[Cell]:
    run = cell.spec.run
    if run is None:
        source = replace(cell.source, importer="rescore", sha256=cell.sha256)
        topk = columns["topk_id"]
        with store.batch(replace=True) as batch:
            examples = Examples(cell.spec.model, target.id, topk, source, cell.spec.repair)
            made = batch.put(examples)
        return [] if made is None else [made]
    spec = CellSpec(
        cell.spec.model,
        target.id,
        target.fingerprint,
        "",
        repair=cell.spec.repair,
        run=_with_mapping(run, mapping),
    )
    if any(c.spec.identity == spec.identity for c in store.cells(target.id, cell.spec.model)):
        return []
    recording = store.recording(spec, target)
    if recording is None:
        raise StoreError(f"{cell.spec.model} on {target.id} is being made by another process.")
    try:
        recording.append(columns, cell.runtime)
        return [recording.finish()]
    finally:
        recording.close()


def _with_mapping(run: RunSpec, mapping: ClassMapping | None) -> RunSpec:
    parts = [text for text in (run.mapping, mapping_text(mapping)) if text]
    return replace(run, mapping=" ".join(parts))
