"""The port: what a run asks of the place where it happens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol, TypeVar

from freshset.engine.job import Job, Outcome

Part = TypeVar("Part")
Result = TypeVar("Result")


class Backend(Protocol):
    """Runs jobs.  Which cells they make, and where results go, is not its business."""

    def run(self, job: Job) -> Generator[Outcome, None, None]:
        """Run one job; yields every model's rows in order, and each failure once.

        The generator may be closed early; it must then leave no process behind.
        """

    def map(
        self,
        function: Callable[[Part], Result],
        parts: Sequence[Part],
        *,
        gpus: bool = False,
        lost: Callable[[Part, str], Result] | None = None,
    ) -> Iterator[Result]:
        """Call a function on every part, wherever there is room; results come in order.

        Parameters
        ----------
        function
            Can be pickled, and finds what it reads under the same path on every machine.
        gpus
            Whether a call needs the share of a GPU that the settings give to a process.
        lost
            Gives the result of a part whose process died again and again, from the part and the
            reason; without it that is an error.
        """

    def close(self) -> None:
        """Give back processes and machines."""
