"""The port: what the rest of freshset asks of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.records import Cell, Matrix, Source, TestSet


@dataclass(frozen=True, slots=True)
class Examples:
    """Per-example predictions of one model, ready to be stored.

    Attributes
    ----------
    model, testset
        Canonical names.
    topk
        Class ids, best first, shape (items, k), int32, in the test set's row order.
    repair
        Correction that was applied to the source, or ``none``.
    """

    model: str
    testset: str
    topk: npt.NDArray[np.int32]
    source: Source
    repair: str = "none"


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals of one model, where no per-example data exist.

    Attributes
    ----------
    correct
        Number right by metric (``top1``, ``top5``).
    approximate
        True when derived from rounded percentages.
    """

    model: str
    testset: str
    n: int
    correct: Mapping[str, float]
    source: Source
    approximate: bool = False


class Batch(Protocol):
    """Writes that become visible together, or not at all when anything fails before the end."""

    def put_testset(self, testset: TestSet) -> None:
        """Add a test set, or check that the stored one is the same."""

    def put(self, cell: Examples | Counts) -> Cell | None:
        """Add a cell; returns ``None`` when exactly this cell is stored already."""


class Store(Protocol):
    """A collection of test sets and of cells on them."""

    @property
    def location(self) -> str:
        """Where the store is, for messages."""

    def testsets(self) -> tuple[str, ...]:
        """Ids of the test sets, sorted."""

    def testset(self, testset: str) -> TestSet:
        """One test set with its items; raises `StoreError` when unknown."""

    def cells(self, testset: str | None = None) -> tuple[Cell, ...]:
        """Current cells, sorted by test set and model: at most one for each pair."""

    def matrix(self, testset: str, models: Sequence[str]) -> Matrix:
        """Aligned correctness of models on a test set."""

    def predictions(self, testset: str, models: Sequence[str]) -> npt.NDArray[np.int32]:
        """First predictions, shape (models, items), in the test set's row order."""

    def item_ids(self, cell: Cell) -> npt.NDArray[np.object_]:
        """The ids that are stored inside one cell, in its row order."""

    def damaged(self) -> tuple[str, ...]:
        """One sentence for every file that does not hold what its cell says."""

    def batch(self, *, replace: bool = False) -> AbstractContextManager[Batch]:
        """Start a batch of writes; ``replace`` lets it overwrite cells from other sources."""
