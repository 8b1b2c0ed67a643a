"""Batches of prepared items, made ahead of their use by processes that keep what they read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from freshset.core.workers import submit, worker_pool
from freshset.models.training.data import IntArray, LabelledItems
from freshset.models.training.draws import Order
from freshset.models.training.preparation import Preparation, Preparer, Wanted
from freshset.models.training.recipe import Execution

# Batches that wait at most, so that a slow one holds nobody up.
_AHEAD = 4

Parts = list[tuple[IntArray, Future[npt.NDArray[Any]]]]

# What a worker process prepares by; set once when it starts.
_preparers: list[Preparer] = []


class Supply:
    """Prepares batches of some sets of items, in this process or in others.

    Each process is always given the same rows, so that what it keeps in memory is never sent twice
    nor kept twice; it sends only what the network will see.

    Parameters
    ----------
    sets
        The first is that which is learned from.
    execution
        ``workers`` and ``memory``; arrays are always prepared in this process, where they already
        are.
    """

    def __init__(
        self, sets: Sequence[LabelledItems], preparation: Preparation, execution: Execution
    ) -> None:
        self._sets = sets
        self._how = preparation
        self._memory = execution.memory
        pays = any(one.reader.item == "image" for one in sets)
        self._workers = execution.workers if pays else 0
        self._pools: list[ProcessPoolExecutor] = []
        self._here: Preparer | None = None

    def __enter__(self) -> Self:
        readers = [one.reader for one in self._sets]
        if not self._workers:
            self._here = Preparer(readers, self._how, self._memory)
        share = self._memory // max(self._workers, 1)
        for _ in range(self._workers):
            self._pools.append(worker_pool(1, _begin, readers, self._how, share))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def training(
        self, order: Order, steps: Iterable[int]
    ) -> Iterator[tuple[IntArray, npt.NDArray[Any]]]:
        """Places in the training set and prepared items of each step."""
        rows = self._sets[0].rows
        planned: deque[IntArray] = deque()

        def wanted() -> Iterator[Wanted]:
            for step in steps:
                places = order.places(step)
                planned.append(places)
                yield Wanted(0, rows[places], step, np.arange(len(places)))

        for batch in self._batches(wanted()):
            yield planned.popleft(), batch

    def judged(
        self, number: int, batch: int, most: int | None = None
    ) -> Iterator[npt.NDArray[Any]]:
        """Prepared items of a set, or its first ones, in order, so many at once."""
        rows = self._sets[number].rows[:most]
        starts = range(0, len(rows), batch)
        return self._batches(Wanted(number, rows[start : start + batch]) for start in starts)

    def _batches(self, wanted: Iterable[Wanted]) -> Iterator[npt.NDArray[Any]]:
        if self._here is not None:
            yield from map(self._here.prepare, wanted)
            return
        todo, waiting = iter(wanted), deque[Parts]()
        ahead = 1
        while True:
            while len(waiting) < ahead and (more := next(todo, None)) is not None:
                waiting.append(self._asked(more))
            if not waiting:
                return
            batch = _joined(waiting.popleft())
            # One batch is always on its way, while the network has another.
            ahead = max(1, min(_AHEAD, self._memory // max(batch.nbytes, 1)))
            while len(waiting) < ahead and (more := next(todo, None)) is not None:
                waiting.append(self._asked(more))
            yield batch

    def _asked(self, wanted: Wanted) -> Parts:
        owners = wanted.rows % self._workers
        parts: Parts = []
        for number in np.unique(owners):
            mine = np.flatnonzero(owners == number)
            places = None if wanted.places is None else wanted.places[mine]
            part = Wanted(wanted.source, wanted.rows[mine], wanted.step, places)
            parts.append((mine, submit(self._pools[number], _prepare, part)))
        return parts


def _joined(parts: Parts) -> npt.NDArray[Any]:
    """Put together what several processes prepared; raises what one of them raised."""
    arrays = [(places, future.result()) for places, future in parts]
    first = arrays[0][1]
    if len(arrays) == 1:
        return first
    n = sum(len(places) for places, _ in arrays)
    batch = np.empty((n, *first.shape[1:]), dtype=first.dtype)
    for places, array in arrays:
        batch[places] = array
    return batch


def _begin(readers: Sequence[Any], preparation: Preparation, memory: int) -> None:
    _preparers.append(Preparer(readers, preparation, memory))


def _prepare(wanted: Wanted) -> npt.NDArray[Any]:
    return _preparers[-1].prepare(wanted)
