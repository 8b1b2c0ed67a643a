"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from freshset.core.records import Cell
from freshset.store.base import Failure
from freshset.store.works import WorkFailure


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


class WorkProgress(Protocol):
    """Is told what happens, in the process that plans."""

    def begin(self, items: int, images: int) -> None:
        """The run starts: pieces of work, and images over all of them."""

    def working(self, title: str) -> None:
        """A piece of work is waited for."""

    def advance(self, images: int) -> None:
        """Some images of a large piece of work are done."""

    def made(self, title: str, images: int) -> None:
        """It is stored; images are those that were not told of before."""

    def failed(self, failure: WorkFailure) -> None:
        """It cannot be done; the run goes on."""

    def end(self) -> None:
        """The run is over, however it went."""


class SilentWork:
    """Tells nobody; see `WorkProgress`."""

    def begin(self, items: int, images: int) -> None:
        """Do nothing."""

    def working(self, title: str) -> None:
        """Do nothing."""

    def advance(self, images: int) -> None:
        """Do nothing."""

    def made(self, title: str, images: int) -> None:
        """Do nothing."""

    def failed(self, failure: WorkFailure) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
