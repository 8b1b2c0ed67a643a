"""Find cells that look broken before anyone believes a number that depends on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freshset.core.identifiers import is_limited
from freshset.core.issues import SEVERITIES, Issue
from freshset.core.records import Cell, Matrix, TestSet
from freshset.generalization.issues import LintReport
from freshset.generalization.overlaps import overlaps
from freshset.generalization.suspects import OUTLIER_MADS, off_the_line, worst_first
from freshset.stats.agreement import agreement, agreement_off_right
from freshset.stats.classes import class_order_mismatch, histogram_distance
from freshset.stats.intervals import clopper_pearson
from freshset.store.base import Store
from freshset.store.parquet import opened

# Models that give the same answer on so many of the items that not both get right are near-clones.
# In the published archives one pair is at 0.74 and all others are below 0.66.
CLONE_AGREEMENT = 0.70
HISTOGRAM_DISTANCE = 0.30


def lint(store: Store | Path | str) -> LintReport:
    """Run every check on every cell of a store.

    Raises
    ------
    StoreError, DataError
        When the store itself cannot be read.
    """
    store = opened(store)
    issues = [Issue("damaged", "fault", "", (), text) for text in store.damaged()]
    # Trial runs on the first items of a test set say nothing of the whole.
    cells = tuple(cell for cell in store.cells() if not is_limited(cell.spec.testset))
    by_set: dict[str, list[Cell]] = {}
    for cell in cells:
        by_set.setdefault(cell.spec.testset, []).append(cell)
    if not issues:
        for testset, group in by_set.items():
            issues += _lint_set(store, testset, group)
        issues += _outliers(_classified(by_set))
        issues += overlaps(store, by_set)
    order = sorted(issues, key=lambda issue: SEVERITIES.index(issue.severity))
    return LintReport(len(cells), len(by_set), tuple(order))


@dataclass(frozen=True, slots=True)
class _View:
    """What the checks of one test set look at."""

    testset: TestSet
    labels: npt.NDArray[np.int32]
    matrix: Matrix
    predictions: npt.NDArray[np.int32]


def _lint_set(store: Store, name: str, cells: list[Cell]) -> Iterator[Issue]:
    testset = store.testset(name)
    yield from _chance(testset, cells)
    examples = [cell for cell in cells if cell.kind == "examples"]
    if testset.labels is None or not examples:
        return
    aligned = []
    for cell in examples:
        if issue := _ids(store, testset, cell):
            yield issue
        else:
            aligned.append(cell.spec.model)
    if not aligned:
        return
    view = _View(
        testset, testset.labels, store.matrix(name, aligned), store.predictions(name, aligned)
    )
    checks: tuple[Callable[[_View], Iterator[Issue]], ...] = (
        _worst_first,
        _class_order,
        _histogram,
        _clones,
    )
    for check in checks:
        yield from check(view)


def _ids(store: Store, testset: TestSet, cell: Cell) -> Issue | None:
    ids = store.item_ids(cell)
    if np.array_equal(ids, testset.ids):
        return None
    missing = len(set(testset.ids) - set(ids))
    extra = len(set(ids) - set(testset.ids))
    what = (
        f"{missing:,} ids missing and {extra:,} that the test set does not have"
        if missing or extra
        else "the right ids in another order"
    )
    return Issue(
        "ids", "fault", testset.id, (cell.spec.model,),
        f"{cell.spec.model} on {testset.id} has {what}. Import its predictions again.",
    )  # fmt: skip


def _chance(testset: TestSet, cells: list[Cell]) -> Iterator[Issue]:
    if testset.n_classes < 2:
        return
    chance = 1 / testset.n_classes
    for cell in cells:
        low = float(clopper_pearson(cell.correct["top1"], cell.n, level=0.99).low)
        if low <= chance:
            yield Issue(
                "chance", "warning", testset.id, (cell.spec.model,),
                f"{cell.spec.model} on {testset.id} is right on "
                f"{100 * cell.correct['top1'] / cell.n:.2f} % of the items, not distinguishable from chance "
                f"({100 * chance:.2g} %). Check class order and preprocessing.",
            )  # fmt: skip


def _worst_first(view: _View) -> Iterator[Issue]:
    for model in worst_first(view.matrix):
        row = view.matrix.models.index(model)
        rank, k = view.matrix.label_rank[row], view.matrix.k[row]
        first, last = (100 * float(np.mean(rank == column)) for column in (1, k))
        yield Issue(
            "worst-first", "fault", view.testset.id, (model,),
            f"{model} on {view.testset.id} is stored worst-first: its last prediction is right on "
            f"{last:.1f} % of the items and its first on {first:.1f} %. Import again with "
            "--repair worst-first.",
        )  # fmt: skip


def _class_order(view: _View) -> Iterator[Issue]:
    reversed_ = set(worst_first(view.matrix))
    for model, predictions in zip(view.matrix.models, view.predictions, strict=True):
        if model in reversed_:
            continue
        rng = np.random.default_rng(0)
        found = class_order_mismatch(
            predictions.astype(np.int64), view.labels.astype(np.int64),
            view.testset.n_classes, rng=rng,
        )  # fmt: skip
        if found is None:
            continue
        guess = {
            "string-sorted": "The ids look sorted as strings (0, 1, 10, 100, ...).",
            "shifted": "The ids look shifted by one, as with a background class.",
            "other": "Compare its class list with the test set's.",
        }[found.kind]
        yield Issue(
            "class-order", "fault", view.testset.id, (model,),
            f"{model} on {view.testset.id} seems to use another class order: a permutation of its "
            f"class ids takes accuracy on held-out items from {100 * found.accuracy:.1f} to "
            f"{100 * found.permuted_accuracy:.1f} %. {guess}",
        )  # fmt: skip


def _histogram(view: _View) -> Iterator[Issue]:
    for model, predictions in zip(view.matrix.models, view.predictions, strict=True):
        distance = histogram_distance(
            predictions.astype(np.int64), view.labels.astype(np.int64), view.testset.n_classes
        )
        if distance > HISTOGRAM_DISTANCE:
            yield Issue(
                "histogram", "warning", view.testset.id, (model,),
                f"{model} on {view.testset.id} predicts classes in other proportions than the "
                f"labels have ({100 * distance:.0f} % of its predictions would have to change "
                "class). Check its class list and preprocessing.",
            )  # fmt: skip


def _clones(view: _View) -> Iterator[Issue]:
    predictions = view.predictions.astype(np.int64)
    off_right = agreement_off_right(predictions, view.labels.astype(np.int64))
    same = agreement(predictions)
    for i, j in np.argwhere(np.triu(off_right >= CLONE_AGREEMENT, k=1)):
        pair = (view.matrix.models[i], view.matrix.models[j])
        how = (
            "give the same prediction on every item"
            if same[i, j] == 1
            else f"agree on {100 * same[i, j]:.1f} % of the items, and on "
            f"{100 * off_right[i, j]:.0f} % of those that not both get right"
        )
        yield Issue(
            "clones", "warning", view.testset.id, pair,
            f"{pair[0]} and {pair[1]} are near-clones on {view.testset.id}: they {how}. Count them "
            "as one model, or check that one was not stored under two names.",
        )  # fmt: skip


def _classified(by_set: dict[str, list[Cell]]) -> dict[str, list[Cell]]:
    """Cells that have a top-1 accuracy, by test set."""
    found = {name: [c for c in cells if "top1" in c.correct] for name, cells in by_set.items()}
    return {name: cells for name, cells in found.items() if cells}


def _outliers(by_set: dict[str, list[Cell]]) -> Iterator[Issue]:
    """Cells far from the robust line against the set that most models were run on."""
    if len(by_set) < 2:
        return
    reference = min(by_set, key=lambda name: (-len(by_set[name]), -by_set[name][0].n, name))
    base = {cell.spec.model: cell for cell in by_set[reference]}
    for testset, cells in by_set.items():
        common = [cell for cell in cells if cell.spec.model in base]
        if testset == reference or not common:
            continue
        p_old = np.array(
            [base[c.spec.model].correct["top1"] / base[c.spec.model].n for c in common]
        )
        p_new = np.array([c.correct["top1"] / c.n for c in common])
        distance = off_the_line(p_old, base[common[0].spec.model].n, p_new, common[0].n)
        for cell, mads in zip(common, distance, strict=True):
            if abs(mads) > OUTLIER_MADS:
                yield Issue(
                    "outlier", "warning", testset, (cell.spec.model,),
                    f"{cell.spec.model} on {testset} is {abs(mads):.0f} MADs "
                    f"{'below' if mads < 0 else 'above'} the robust probit line against "
                    f"{reference}. Check its predictions on both sets.",
                )  # fmt: skip
