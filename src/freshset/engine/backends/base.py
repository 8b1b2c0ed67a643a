"""The port: what a run asks of the place where it happens."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from freshset.engine.job import Job, Outcome


class Backend(Protocol):
    """Runs jobs.  Which cells they make, and where results go, is not its business."""

    def run(self, job: Job) -> Generator[Outcome, None, None]:
        """Run one job; yields every model's rows in order, and each failure once.

        The generator may be closed early; it must then leave no process behind.
        """

    def close(self) -> None:
        """Give back processes and machines."""
