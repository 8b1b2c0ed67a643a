"""One thread that writes for all workers: changes that wait together share one transaction.

A database is slow at ending a transaction, which waits for the disk, and SQLite writes one at a time.
While one transaction ends the next changes gather, so that a hundred workers cost no more waits than
a few do.  Nobody is told of success before the transaction has ended.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from freshset.core.errors import StoreError
from freshset.replication.project import Project, Together

Result = TypeVar("Result")
_Work = tuple[Callable[[Together], Any], "Future[Any]"]

MOST = 64
"""Changes of one transaction, so that the first of them does not wait long for the last."""


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

        Raises
        ------
        StoreError
            When the transaction failed, with all changes of it.
        Exception
            Whatever the function raises; then it has changed nothing.
        """
        future: Future[Result] = Future()
        self._waiting.put((work, future))
        return await asyncio.wrap_future(future)

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
        batch = [one for one in batch if one[1].set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any]] = []
        refused: list[tuple[Future[Any], Exception]] = []
        try:
            with self._project.together() as together:
                for work, future in batch:
                    try:
                        done.append((future, work(together)))
                    except StoreError:
                        raise
                    except Exception as error:  # is raised where it is waited for
                        refused.append((future, error))
        except Exception as error:  # likewise, by everybody
            done, refused = [], [(future, error) for _, future in batch]
        self._saw(len(batch))
        for future, result in done:
            future.set_result(result)
        for future, reason in refused:
            future.set_exception(reason)
