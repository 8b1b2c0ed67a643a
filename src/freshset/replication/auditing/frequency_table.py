"""Accuracy by bin of the selection frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import StoreError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.core.identifiers import canonical_testset
from freshset.core.matched import matched
from freshset.stats.bins import bin_names, frequency_bins
from freshset.stats.intervals import clopper_pearson
from freshset.stats.strata import strata
from freshset.stats.types import Estimate
from freshset.store.base import Store

SCHEMA = "freshset.frequency-table/1"


@dataclass(frozen=True, slots=True)
class BinRow:
    """One model on the images of one bin; ``top1`` is percent, with the exact interval."""

    model: str
    bin: str
    n: int
    top1: Estimate


@dataclass(frozen=True, slots=True)
class FrequencyTable:
    """Accuracy by bin.

    Attributes
    ----------
    bins
        Those that hold images, low to high, and last ``missing``: images without answers.
    sizes
        Images of each.
    """

    testset: str
    bins: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: tuple[BinRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "schema": SCHEMA,
            "unit": "percent",
            "testset": self.testset,
            "bins": [{"bin": name, "n": n} for name, n in zip(self.bins, self.sizes, strict=True)],
            "rows": [asdict(row) for row in self.rows],
        }


def frequency_table(
    store: Store,
    testset: str,
    frequencies: Frequencies,
    *,
    edges: Sequence[float] = (0.2, 0.4, 0.6, 0.8),
    level: float = 0.95,
) -> FrequencyTable:
    """Tabulate accuracy by bin of the selection frequency.

    Parameters
    ----------
    frequencies
        Of the images; see `freshset.core.matched.matched` for how they are found.
    edges
        Inner edges, rising: bins are half open, the last one is closed.

    Raises
    ------
    UsageError
        For edges that do not rise.
    StoreError
        When no model has per-example results on the test set.
    DataError
        When no item has a frequency.
    """
    if any(low >= high for low, high in pairwise((0.0, *edges, 1.0))):
        raise UsageError(f"Bins {list(edges)} do not rise from above 0 to below 1.")
    name = canonical_testset(testset)
    models = [cell.spec.model for cell in store.cells(name) if cell.kind == "examples"]
    if not models:
        raise StoreError(f"{store.location}: no per-example results on {name!r}.")
    names, of_item = strata(_bins(matched(frequencies, store.testset(name)), edges))
    hits = store.matrix(name, models).correct("top1")
    sizes = np.bincount(of_item, minlength=len(names))
    rows = []
    for model, right in zip(models, hits, strict=True):
        k = np.bincount(of_item, weights=right, minlength=len(names))
        bounds = clopper_pearson(k, sizes, level=level)
        rows += [
            BinRow(model, bin, int(n), Estimate(*(100 * float(part) for part in parts)))
            for bin, n, *parts in zip(names, sizes, k / sizes, bounds.low, bounds.high, strict=True)
        ]
    return FrequencyTable(name, names, tuple(sizes.tolist()), tuple(rows))


def _bins(frequencies: Frequencies, edges: Sequence[float]) -> npt.NDArray[np.object_]:
    """Name of the bin of every item; ``None`` where there are no answers."""
    place = frequency_bins(frequencies.selected, frequencies.answers, edges)
    # The last name is also what -1, no answers, points to.
    return np.array([*bin_names(edges), None], dtype=object)[place]
