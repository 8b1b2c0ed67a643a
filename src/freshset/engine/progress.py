"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from freshset.core.records import Cell
from freshset.store.base import Failure


class Progress(Protocol):
    """Is told what happens, in the process that runs the plan."""

    def begin(self, cells: int, items: int) -> None:
        """The run starts: cells to make, and items to run over all of them."""

    def working(self, models: tuple[str, ...], testset: str) -> None:
        """Models start on a test set together."""

    def advance(self, items: int) -> None:
        """Items of some cell were recorded."""

    def made(self, cell: Cell) -> None:
        """A cell is finished and stored."""

    def failed(self, failure: Failure) -> None:
        """A cell cannot be made; the run goes on."""

    def end(self) -> None:
        """The run is over, however it went."""


class Silent:
    """Tells nobody; see `Progress`."""

    def begin(self, cells: int, items: int) -> None:
        """Do nothing."""

    def working(self, models: tuple[str, ...], testset: str) -> None:
        """Do nothing."""

    def advance(self, items: int) -> None:
        """Do nothing."""

    def made(self, cell: Cell) -> None:
        """Do nothing."""

    def failed(self, failure: Failure) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
