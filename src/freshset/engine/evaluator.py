"""The work itself: load the models of a job, and run them on prepared batches."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from freshset.core.errors import DataError, FreshsetError
from freshset.engine.job import Broken, Job, JobModel, Outcome, Rows
from freshset.engine.loader import Batch
from freshset.engine.memory import HalvingPredictor
from freshset.models.base import Model
from freshset.models.registry import load
from freshset.store.columns import Columns

# Seconds, and bytes that wait, after which rows are given out before their chunk is complete.
_PATIENCE, _MOST_WAITING = 30.0, 1 << 28


class Evaluator:
    """Runs the models of one job; a model that fails is reported once and then left out.

    It knows nothing of the store, of processes or of machines, so that every backend gets the same
    numbers from it.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._predictors: dict[int, HalvingPredictor] = {}
        self._waiting: dict[int, list[Columns]] = {}
        self._seconds: dict[int, float] = {}

    def load(self) -> Iterator[Broken]:
        """Load all models, each once however much it is asked for; yields those that cannot be."""
        there: dict[str, Model] = {}
        for index, model in enumerate(self.job.models):
            key = str(model.info.reference)
            try:
                if key not in there:
                    there[key] = load(model.info.reference, self.job.runtime)
                loaded = there[key]
                _check_unchanged(model, loaded)
            except Exception as error:
                yield broken(index, "load", error)
            else:
                self._predictors[index] = HalvingPredictor(
                    loaded, self.job.batch_size, model.forward
                )

    @property
    def alive(self) -> bool:
        """Whether any model can go on."""
        return bool(self._predictors)

    def stop(self, index: int) -> None:
        """Leave a model out from now on."""
        self._predictors.pop(index, None)
        self._waiting.pop(index, None)

    def chunk(self, rows: range, batches: Iterator[Batch]) -> Iterator[Outcome]:
        """Run all models on the batches of one chunk; an item that cannot be read ends all of them.

        Parameters
        ----------
        batches
            Of the rows of the chunk, in order.
        """
        wanted = [i for i in self._predictors if self.job.models[i].start < rows.stop]
        self._waiting = {index: [] for index in wanted}
        start, due = rows.start, time.monotonic() + _PATIENCE
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:
                yield from [broken(index, "read", error) for index in self._predictors]
                self._predictors.clear()
                return
            if batch is None:
                break
            for index in list(self._waiting):
                failure = self._step(index, *batch)
                if failure is not None:
                    self.stop(index)
                    yield failure
            if time.monotonic() > due or self._bytes_waiting() > _MOST_WAITING:
                # Slow models need not wait for a whole chunk to have their rows recorded, and what
                # many models give, or wide ones, need not lie in memory.
                yield from self._rows(range(start, batch[0].stop))
                start, due = batch[0].stop, time.monotonic() + _PATIENCE
        yield from self._rows(range(start, rows.stop))
        self._waiting = {}

    def _bytes_waiting(self) -> int:
        parts = (part for parts in self._waiting.values() for part in parts)
        return sum(values.nbytes for part in parts for values in part.values())

    def _rows(self, rows: range) -> Iterator[Rows]:
        """What the models gave for some rows, without those that are recorded already."""
        for index, parts in self._waiting.items():
            new = range(max(rows.start, self.job.models[index].start), rows.stop)
            if parts and new:
                columns = {
                    name: np.concatenate([part[name] for part in parts]) for name in parts[0]
                }
                kept = {name: values[new.start - rows.start :] for name, values in columns.items()}
                last = rows.stop == self.job.reader.testset.n
                seconds = self._seconds.pop(index)
                yield Rows(index, new, kept, last, self._predictors[index].runtime, seconds)
            parts.clear()

    def _step(self, index: int, part: range, items: Sequence[Any], batch: Any) -> Broken | None:
        model = self.job.models[index]
        stage, start = "predict", time.perf_counter()
        try:
            raw = self._predictors[index].predict(batch)
            self._seconds[index] = self._seconds.get(index, 0.0) + time.perf_counter() - start
            stage = "score"
            columns = model.scorer.columns(raw, slice(part.start, part.stop), items)
        except Exception as error:
            return broken(index, stage, error)
        self._waiting[index].append(columns)
        return None


def _check_unchanged(planned: JobModel, loaded: Model) -> None:
    if loaded.info.weights != planned.info.weights:
        raise DataError(
            f"{planned.name}: its weights changed since the run was planned.",
            "Run the command again.",
        )


def broken(index: int, stage: str, error: Exception) -> Broken:
    """Describe an error; a traceback is kept for those that were not raised on purpose."""
    if isinstance(error, FreshsetError):
        return Broken(index, stage, error.message, error.hint)
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return Broken(index, stage, text, "", "".join(traceback.format_exception(error)))
