"""Items, read and prepared ahead of the models by worker processes, in a bounded amount of memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from types import TracebackType
from typing import Any, Self

import numpy as np

from freshset.core.workers import submit, worker_pool
from freshset.datasets.base import Reader
from freshset.models.base import Preprocessing, stacked

Batch = tuple[range, Sequence[Any], Any]

# What a worker process reads from; set once when it starts.
_sources: list[tuple[Reader, Preprocessing]] = []


def read_batch(reader: Reader, preprocessing: Preprocessing, rows: range) -> Batch:
    """Read and prepare some rows; items are returned only where a scorer needs them."""
    scored = reader.item == "question"
    if takes_ids(preprocessing):
        ids = reader.testset.ids[rows.start : rows.stop].tolist()
        return rows, [reader.read(index) for index in rows] if scored else (), ids
    items = [reader.read(index) for index in rows]
    prepared = stacked([preprocessing.prepare(item) for item in items])
    return rows, items if scored else (), prepared


def takes_ids(preprocessing: Preprocessing) -> bool:
    """Whether models are given the ids of items, so that these need not even be read."""
    return preprocessing.shared == "id"


class Loader:
    """Reads batches in order, ahead of their use.

    Parameters
    ----------
    workers
        Processes; 0 reads in this one.
    memory
        Most bytes of prepared batches that wait at any time; one batch is always let through.
    """

    def __init__(
        self, reader: Reader, preprocessing: Preprocessing, *, workers: int, memory: int
    ) -> None:
        self._source = (reader, preprocessing)
        self._workers = workers
        self._memory = memory
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._workers:
            self._pool = worker_pool(self._workers, _begin, *self._source)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def batches(self, parts: Iterable[range]) -> Iterator[Batch]:
        """Read batches of rows, in the order given."""
        pool = self._pool
        if pool is None:
            for rows in parts:
                yield read_batch(*self._source, rows)
            return
        yield from ReadAhead(
            lambda rows: submit(pool, _work, rows), parts, self._workers, self._memory
        )


class ReadAhead(Iterator[Batch]):
    """Batches in order, of which the next ones are being read from the start.

    Parameters
    ----------
    submit
        Has a batch of rows read by one of the workers.
    memory
        See `Loader`.
    """

    def __init__(
        self,
        submit: Callable[[range], Future[Batch]],
        parts: Iterable[range],
        workers: int,
        memory: int,
    ) -> None:
        self._submit = submit
        self._todo = iter(parts)
        self._workers = workers
        self._memory = memory
        self._waiting: deque[Future[Batch]] = deque()
        self._fill(workers)

    def __next__(self) -> Batch:
        if not self._waiting:
            raise StopIteration
        batch = self._waiting.popleft().result()
        self._fill(self._ahead(batch))
        return batch

    def _fill(self, ahead: int) -> None:
        for rows in islice(self._todo, max(0, ahead - len(self._waiting))):
            self._waiting.append(self._submit(rows))

    def _ahead(self, batch: Batch) -> int:
        """How many batches of this size may wait: enough to keep every worker busy, or fewer."""
        size = batch[2].nbytes if isinstance(batch[2], np.ndarray) else 0
        fit = self._memory // size if size else 4 * self._workers
        return int(max(1, min(fit, 4 * self._workers)))


def workers_for(reader: Reader, wanted: int, rows: int) -> int:
    """Return how many processes pay for a test set: none where reading takes no time."""
    if reader.item != "image" or rows < _FEW:
        return 0
    return (os.cpu_count() or 1) if wanted < 0 else wanted


_FEW = 256


def _begin(reader: Reader, preprocessing: Preprocessing) -> None:
    _sources.append((reader, preprocessing))


def _work(rows: range) -> Batch:
    reader, preprocessing = _sources[-1]
    return read_batch(reader, preprocessing, rows)
