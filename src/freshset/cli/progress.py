"""A run as people watch it: bars on a terminal, lines anywhere else."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from freshset.cli.output import is_terminal, say
from freshset.core.records import Cell
from freshset.store.base import Failure

if TYPE_CHECKING:
    from rich.console import Console

    from freshset.engine.progress import Progress, WorkProgress
    from freshset.store.works import WorkFailure

_HEARTBEAT = 30.0


class Display(Protocol):
    """Shows texts about a run."""

    names: int
    """Models to name in one text."""

    def begin(self, pieces: int, items: int) -> None:
        """The run starts: pieces to make, and items to run over all of them."""

    def working(self, text: str) -> None:
        """Something is begun."""

    def advance(self, items: int) -> None:
        """Items were recorded."""

    def made(self, text: str) -> None:
        """A piece is stored."""

    def failed(self, text: str) -> None:
        """A piece cannot be made."""

    def end(self) -> None:
        """The run is over."""


def watcher() -> Progress:
    """Return what shows the progress of a run of cells on stderr."""
    return CellWatch(display())


def work_watcher() -> WorkProgress:
    """Return what shows the progress of other work on stderr."""
    return WorkWatch(display())


def display() -> Display:
    """Return bars for a terminal, and lines for anything else."""
    return Bars() if is_terminal() else Lines()


@dataclass(slots=True)
class CellWatch:
    """Says in words what happens to cells; see `freshset.engine.progress.Progress`."""

    shown: Display

    def begin(self, cells: int, items: int) -> None:
        """Say how much there is."""
        self.shown.begin(cells, items)

    def working(self, models: tuple[str, ...], testset: str) -> None:
        """Say who starts on what."""
        self.shown.working(working_text(models, testset, self.shown.names))

    def advance(self, items: int) -> None:
        """Say how far it is."""
        self.shown.advance(items)

    def made(self, cell: Cell) -> None:
        """Say what came out."""
        self.shown.made(cell_text(cell))

    def failed(self, failure: Failure) -> None:
        """Say what went wrong."""
        self.shown.failed(failure_text(failure))

    def end(self) -> None:
        """Leave it to the command to sum up."""
        self.shown.end()


@dataclass(slots=True)
class WorkWatch:
    """Says in words what happens to other work; see `freshset.engine.works.WorkProgress`."""

    shown: Display

    def begin(self, items: int, images: int) -> None:
        """Say how much there is."""
        self.shown.begin(items, images)

    def working(self, title: str) -> None:
        """Say what is begun."""
        self.shown.working(title)

    def advance(self, images: int) -> None:
        """Say how far it is."""
        self.shown.advance(images)

    def made(self, title: str, images: int) -> None:
        """Say what is done."""
        self.shown.advance(images)
        self.shown.made(title)

    def failed(self, failure: WorkFailure) -> None:
        """Say what went wrong."""
        self.shown.failed(f"FAILED {failure.title}: {failure.error} {failure.hint}".rstrip())

    def end(self) -> None:
        """Leave it to the command to sum up."""
        self.shown.end()


class Lines:
    """One line for every piece, and one every half minute in between; see `Display`.

    Parameters
    ----------
    heartbeat
        Seconds without a line after which there is one.
    """

    names = 3

    def __init__(self, heartbeat: float = _HEARTBEAT) -> None:
        self._heartbeat = heartbeat
        self._pieces = self._items = self._made = self._done = 0
        self._start = self._last = 0.0

    def begin(self, pieces: int, items: int) -> None:
        """Start counting."""
        self._pieces, self._items = pieces, items
        self._made = self._done = 0
        self._start = self._last = time.monotonic()

    def working(self, text: str) -> None:
        """Say what is begun."""
        self._say(text)

    def advance(self, items: int) -> None:
        """Say how far it is, when nothing was said for a while."""
        self._done += items
        now = time.monotonic()
        if now - self._last >= self._heartbeat and self._done:
            left = (now - self._start) / self._done * (self._items - self._done)
            self._say(f"{self._done:,} of {self._items:,} items, about {duration_text(left)} left")

    def made(self, text: str) -> None:
        """Say what came out."""
        self._made += 1
        self._say(f"[{self._made}/{self._pieces}] {text}")

    def failed(self, text: str) -> None:
        """Say what went wrong."""
        self._say(text)

    def end(self) -> None:
        """Say nothing: the command sums up."""

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        say(text)


class Bars:
    """A bar over all items, with a line above it for every piece; see `Display`.

    Parameters
    ----------
    console
        Where to draw; by default stderr.
    """

    names = 1

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console as RichConsole
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import (
            Progress as RichProgress,
        )
        from rich.table import Column

        self._console = console or RichConsole(stderr=True)
        self._bar = RichProgress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, max_width=60, overflow="ellipsis"),
            ),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._pieces = self._made = 0

    def begin(self, pieces: int, items: int) -> None:
        """Show the bar."""
        self._pieces, self._made = pieces, 0
        if pieces:
            self._bar.reset(self._task, total=items)
            self._bar.start()

    def working(self, text: str) -> None:
        """Show what is begun."""
        self._bar.update(self._task, description=text)

    def advance(self, items: int) -> None:
        """Move the bar."""
        self._bar.advance(self._task, items)

    def made(self, text: str) -> None:
        """Print what came out above the bar."""
        self._made += 1
        self._print(f"[{self._made}/{self._pieces}] {text}")

    def failed(self, text: str) -> None:
        """Print what went wrong above the bar."""
        self._print(text)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def working_text(models: tuple[str, ...], testset: str, most: int = 3) -> str:
    """Return who is at what."""
    if not models:
        return f"reading {testset}"
    more = f" and {len(models) - most} more" if len(models) > most else ""
    return f"{testset}: {', '.join(models[:most])}{more}"


def cell_text(cell: Cell) -> str:
    """Return a cell in one line: who, on what, and its first metric."""
    return f"{cell.spec.model} on {cell.spec.testset}: {score_text(cell)}"


def score_text(cell: Cell) -> str:
    """Return the first metric of a cell."""
    for name, count in cell.correct.items():
        return f"{name} {100 * count / cell.n:.2f} %"
    for name, value in cell.values.items():
        return f"{name} {value:.4g}"
    return f"{cell.n:,} items"


def failure_text(failure: Failure) -> str:
    """Return a failure in one line."""
    text = f"FAILED {failure.model} on {failure.testset} ({failure.stage}): {failure.error}"
    return f"{text} {failure.hint}".rstrip()


def duration_text(seconds: float) -> str:
    """Return a time that is left, with one unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
