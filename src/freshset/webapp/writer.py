"""One thread that writes for all workers: changes that wait together share one transaction.

A database is slow at ending a transaction, which waits for the disk, and SQLite writes one at a time.
While one transaction ends the next changes gather, so that a hundred workers cost no more waits than
a few do.  Nobody is told of success before the transaction has ended.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from freshset.core.errors import FreshsetError
from freshset.replication.project import Project, Together

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 128
"""Changes of one transaction, so that the first of them does not wait long for the last."""


@dataclass(slots=True)
class _Work:
    """Something to do, and what came of it; ``future`` belongs to the event loop."""

    do: Callable[[Together, list[Any]], Sequence[Any]]
    item: Any
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def answer(self) -> None:
        if self.future.done():  # whoever gave up waiting
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Writer:
    """Writes to a project from one thread; see the module.

    Call `start` before anything else and `stop` in the end, which finishes what was begun.

    Parameters
    ----------
    saw
        Is told of each transaction, how many changes it had.
    """

    def __init__(
        self, project: Project, *, saw: Callable[[int], None] = lambda _size: None
    ) -> None:
        self._project = project
        self._saw = saw
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="freshset-writer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """Changes whose transaction has not begun."""
        return self._waiting.qsize()

    async def write(self, work: Callable[[Together], Result]) -> Result:
        """Run a function within a transaction, and return what it returns once that has ended.

        Parameters
        ----------
        work
            Is run again, alone, where a transaction failed that it shared.  What it raises on purpose
            undoes only the change under way (see `Together.change`).

        Raises
        ------
        FreshsetError
            Whatever the function raises; a `StoreError` when the transaction failed.
        """
        result: Result = await self.write_of(_one_by_one, work)
        return result

    async def write_of(
        self, work: Callable[[Together, list[Item]], Sequence[Result | FreshsetError]], item: Item
    ) -> Result:
        """As `write`, by a function that does the same for many at once.

        Parameters
        ----------
        work
            Gets the items of all who wait one after the other with this function, and returns for each
            what came of it, or why it is refused.
        item
            What is to be done.
        """
        loop = asyncio.get_running_loop()
        one = _Work(work, item, loop.create_future())
        self._waiting.put(one)
        result: Result = await one.future
        return result

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while len(batch) < MOST and not self._waiting.empty():
                one = self._waiting.get()
                if one is None:
                    last = True
                    break
                batch.append(one)
            self._write(batch)
            if last:
                return

    def _write(self, batch: list[_Work]) -> None:
        # Whoever gave up waiting changes nothing.
        batch = [one for one in batch if not one.future.cancelled()]
        if not batch:
            return
        broken = self._share(batch)
        if broken and len(batch) > 1:
            # A change that breaks its transaction, or loses the connection, is to fail no other.
            for one in batch:
                self._write([one])
            return
        self._saw(len(batch))
        for loop in {one.future.get_loop() for one in batch}:
            with suppress(RuntimeError):  # a loop that is closed has nobody who waits
                loop.call_soon_threadsafe(_answer, loop, batch)

    def _share(self, batch: list[_Work]) -> bool:
        """Do all in one transaction; returns whether one of them broke it."""
        broken = False
        try:
            with self._project.together() as together:
                for do, group in groupby(batch, lambda one: one.do):
                    works = list(group)
                    try:
                        results = do(together, [one.item for one in works])
                    except BaseException:
                        broken = True
                        raise
                    for one, result in zip(works, results, strict=True):
                        one.error = result if isinstance(result, FreshsetError) else None
                        one.result = result
        except Exception as error:  # is raised where it is waited for, by everybody
            for one in batch:
                one.error = error
        return broken


def _one_by_one(together: Together, works: list[Callable[[Together], Any]]) -> list[Any]:
    out = []
    for work in works:
        try:
            out.append(work(together))
        except FreshsetError as error:
            out.append(error)
    return out


def _answer(loop: asyncio.AbstractEventLoop, batch: list[_Work]) -> None:
    for one in batch:
        if one.future.get_loop() is loop:
            one.answer()
