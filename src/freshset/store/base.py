"""The port: what the rest of freshset asks of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.identity import CellSpec
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


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cell could not be made.

    Attributes
    ----------
    model, testset
        Canonical names.
    identity
        Of the cell that was to be made; empty when it was not known yet.
    stage
        Where it happened: ``load``, ``read``, ``predict`` or ``score``.
    error, hint
        One sentence each; the hint may be empty.
    traceback
        As Python prints it; empty for errors that freshset raises on purpose.
    """

    model: str
    testset: str
    identity: str
    stage: str
    error: str
    hint: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """A cell in the making.

    Attributes
    ----------
    rows
        Rows that are recorded.
    live
        Whether a process is at it now.
    """

    rows: int
    live: bool


class Recording(Protocol):
    """A cell in the making: rows are appended in order and survive a crash."""

    @property
    def done(self) -> int:
        """Rows that are recorded already, from row 0."""

    def append(self, columns: Mapping[str, npt.NDArray[Any]], runtime: Mapping[str, str]) -> None:
        """Record the next rows, durably; every column has one entry a row."""

    def finish(self) -> Cell:
        """Make the cell of all rows; raises `StoreError` when rows are missing."""

    def close(self) -> None:
        """Let go of the cell; what is recorded stays for the next run unless it was finished."""


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

    def cells(self, testset: str | None = None, model: str | None = None) -> tuple[Cell, ...]:
        """Current cells, sorted by test set and model: at most one for each pair."""

    def stored(self) -> dict[tuple[str, str], set[str]]:
        """Identities (first 12 digits) of all cells by the slugs of test set and model."""

    def columns(self, cell: Cell) -> dict[str, npt.NDArray[Any]]:
        """Everything that is stored for the items of one cell, by column; empty for counts."""

    def scores(self, cell: Cell) -> npt.NDArray[np.float16] | None:
        """Full scores of one cell, shape (items, classes), mapped into memory."""

    def matrix(self, testset: str, models: Sequence[str]) -> Matrix:
        """Aligned correctness of models on a test set."""

    def predictions(self, testset: str, models: Sequence[str]) -> npt.NDArray[np.int32]:
        """First predictions, shape (models, items), in the test set's row order."""

    def item_ids(self, cell: Cell) -> npt.NDArray[np.object_]:
        """The ids that are stored inside one cell, in its row order."""

    def damaged(self) -> tuple[str, ...]:
        """One sentence for every file that does not hold what its cell says."""

    def recording(
        self, spec: CellSpec, testset: TestSet, *, replace: bool = False
    ) -> Recording | None:
        """Start or take up the making of a cell; ``None`` when another process is at it."""

    def partials(self) -> dict[str, Partial]:
        """Cells in the making by their identities."""

    def failures(self) -> tuple[Failure, ...]:
        """Cells that could not be made, sorted by test set and model."""

    def put_failure(self, failure: Failure) -> None:
        """Record a failure; a cell that is made later removes it."""

    def sweep(self) -> None:
        """Remove what crashed processes left behind."""

    def batch(self, *, replace: bool = False) -> AbstractContextManager[Batch]:
        """Start a batch of writes; ``replace`` lets it overwrite cells from other sources."""
