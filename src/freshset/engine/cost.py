"""What a plan takes before it is run: forward passes, items to read, downloads, and disk."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from freshset.core.config import RunSettings
from freshset.core.records import TestSet
from freshset.engine.plan import Plan, PlannedCell
from freshset.store.base import Store

# Measured on cells of 2,000 to 50,000 items: ids, labels and correctness take some 6 bytes an item
# after compression, and each of the best classes, with a probability that nothing compresses, 8.
_BYTES_AN_ITEM = 6
_BYTES_A_CLASS = 8
_BYTES_AN_ANSWER = 24


@dataclass(frozen=True, slots=True)
class Cost:
    """What the cells of one shard take.

    Attributes
    ----------
    cells
        Cells to make.
    items
        Forward passes: items over all cells, less those whose rows are recorded.
    reads
        Items to read and decode, where models that prepare items alike share them.
    download
        Bytes of weights still to fetch, of those models that say how many.
    downloads_unknown
        Models that do not.
    disk
        Bytes that the new cells will take, about.
    """

    cells: int
    items: int
    reads: int
    download: int
    downloads_unknown: int
    disk: int


def estimate(plan: Plan, store: Store) -> Cost:
    """Estimate what a plan takes; reads the store, and writes nothing."""
    settings = plan.wanted.settings
    todo = [] if settings.on_existing == "only-cache" else plan.to_run(
        again=settings.on_existing == "always"
    )  # fmt: skip
    testsets = {r.testset.id: r.testset for r in plan.readers.values()}
    partials = store.partials() if todo else {}
    left: dict[PlannedCell, int] = {}
    for cell in todo:
        partial = partials.get(cell.identity)
        left[cell] = testsets[cell.testset].n - (partial.rows if partial else 0)
    downloads = plan.downloads
    sizes = [downloads[name] for name in sorted({cell.model for cell in todo} & downloads.keys())]
    return Cost(
        cells=len(todo),
        items=sum(left.values()),
        reads=_reads(plan, left),
        download=sum(size for size in sizes if size > 0),
        downloads_unknown=sum(size < 0 for size in sizes),
        disk=sum(_disk(testsets[cell.testset], settings) for cell in todo),
    )


def _reads(plan: Plan, left: dict[PlannedCell, int]) -> int:
    def key(cell: PlannedCell) -> tuple[str, str]:
        info = plan.infos[cell.model]
        return cell.testset, info.input + info.preprocessing.shared

    total, size = 0, plan.wanted.settings.models_at_once
    # Stored predictions are looked up by id, and nothing is read for them.
    reading = [cell for cell in left if plan.infos[cell.model].input != "id"]
    for _, group in groupby(sorted(reading, key=key), key):
        cells = list(group)
        total += sum(max(left[c] for c in cells[i : i + size]) for i in range(0, len(cells), size))
    return total


def _disk(testset: TestSet, settings: RunSettings) -> int:
    if testset.task != "classification":
        return testset.n * _BYTES_AN_ANSWER
    kept = min(settings.topk, testset.n_classes)
    scores = 2 * testset.n_classes if settings.save == "scores" else 0
    return testset.n * (_BYTES_AN_ITEM + _BYTES_A_CLASS * kept + scores)
