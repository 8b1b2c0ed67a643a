"""The work itself: load the models of a job, and run them on prepared batches."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from freshset.core.errors import DataError, FreshsetError
from freshset.engine.job import Broken, Job, JobModel, Outcome, Rows
from freshset.engine.loader import Batch
from freshset.engine.memory import HalvingPredictor
from freshset.engine.scoring import Columns
from freshset.models.base import Model
from freshset.models.registry import load


class Evaluator:
    """Runs the models of one job; a model that fails is reported once and then left out.

    It knows nothing of the store, of processes or of machines, so that every backend gets the same
    numbers from it.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._predictors: dict[int, HalvingPredictor] = {}
        self._waiting: dict[int, list[Columns]] = {}

    def load(self) -> Iterator[Broken]:
        """Load all models; yields those that cannot be."""
        for index, model in enumerate(self.job.models):
            try:
                loaded = load(model.info.reference, self.job.runtime)
                _check_unchanged(model, loaded)
            except Exception as error:
                yield broken(index, "load", error)
            else:
                self._predictors[index] = HalvingPredictor(loaded, self.job.batch_size)

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
        while True:
            try:
                part = next(batches, None)
            except Exception as error:
                yield from [broken(index, "read", error) for index in self._predictors]
                self._predictors.clear()
                return
            if part is None:
                break
            for index in list(self._waiting):
                failure = self._step(index, *part)
                if failure is not None:
                    self.stop(index)
                    yield failure
        for index, parts in self._waiting.items():
            columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            # Rows before the model's start are recorded already; they only kept the batches whole.
            skip = max(0, self.job.models[index].start - rows.start)
            kept = {name: values[skip:] for name, values in columns.items()}
            last = rows.stop == self.job.reader.testset.n
            new = range(rows.start + skip, rows.stop)
            yield Rows(index, new, kept, last, self._predictors[index].runtime)
        self._waiting = {}

    def _step(self, index: int, part: range, items: Sequence[Any], batch: Any) -> Broken | None:
        model = self.job.models[index]
        stage = "predict"
        try:
            given = self.job.reader.testset.ids[part.start : part.stop].tolist()
            raw = self._predictors[index].predict(given if model.info.input == "id" else batch)
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
