"""A run as people watch it: bars on a terminal, lines anywhere else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from freshset.cli.output import is_terminal, say
from freshset.core.records import Cell
from freshset.store.base import Failure

if TYPE_CHECKING:
    from rich.console import Console

    from freshset.engine.progress import Progress

_HEARTBEAT = 30.0


def watcher() -> Progress:
    """Return what shows the progress of a run on stderr."""
    return Bars() if is_terminal() else Lines()


class Lines:
    """One line for every cell, and one every half minute in between; see `Progress`.

    Parameters
    ----------
    heartbeat
        Seconds without a line after which there is one.
    """

    def __init__(self, heartbeat: float = _HEARTBEAT) -> None:
        self._heartbeat = heartbeat
        self._cells = self._items = self._made = self._done = 0
        self._start = self._last = 0.0

    def begin(self, cells: int, items: int) -> None:
        """Say how much there is."""
        self._cells, self._items = cells, items
        self._start = self._last = time.monotonic()

    def working(self, models: tuple[str, ...], testset: str) -> None:
        """Say who starts on what."""
        self._say(working_text(models, testset))

    def advance(self, items: int) -> None:
        """Say how far it is, when nothing was said for a while."""
        self._done += items
        now = time.monotonic()
        if now - self._last >= self._heartbeat and self._done:
            left = (now - self._start) / self._done * (self._items - self._done)
            self._say(f"{self._done:,} of {self._items:,} items, about {duration_text(left)} left")

    def made(self, cell: Cell) -> None:
        """Say what came out."""
        self._made += 1
        self._say(f"[{self._made}/{self._cells}] {cell_text(cell)}")

    def failed(self, failure: Failure) -> None:
        """Say what went wrong."""
        self._say(failure_text(failure))

    def end(self) -> None:
        """Say nothing: the command sums up."""

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        say(text)


class Bars:
    """A bar over all items, with a line above it for every cell; see `Progress`.

    Parameters
    ----------
    console
        Where to draw; by default stderr.
    """

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
        self._cells = self._made = 0

    def begin(self, cells: int, items: int) -> None:
        """Show the bar."""
        self._cells = cells
        if cells:
            self._bar.update(self._task, total=items)
            self._bar.start()

    def working(self, models: tuple[str, ...], testset: str) -> None:
        """Show who is at what."""
        self._bar.update(self._task, description=working_text(models, testset, most=1))

    def advance(self, items: int) -> None:
        """Move the bar."""
        self._bar.advance(self._task, items)

    def made(self, cell: Cell) -> None:
        """Print what came out above the bar."""
        self._made += 1
        self._print(f"[{self._made}/{self._cells}] {cell_text(cell)}")

    def failed(self, failure: Failure) -> None:
        """Print what went wrong above the bar."""
        self._print(failure_text(failure))

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
