"""A job: models that share prepared items of one test set.  It travels to where it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from freshset.datasets.base import Reader
from freshset.engine.scoring import Scorer
from freshset.models.base import ModelInfo, Preprocessing, Runtime


@dataclass(frozen=True, slots=True)
class JobModel:
    """One model of a job.

    Attributes
    ----------
    name
        In the store.
    info
        As it was planned; the model that is loaded must still be that.
    start
        First row to run; the rows before it are recorded already.
    """

    name: str
    info: ModelInfo
    scorer: Scorer
    start: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """Models and a test set.

    Attributes
    ----------
    preprocessing
        Of any of the models: what they share of it is the same for all.
    batch_size
        Items in a batch; batches start at multiples of it, wherever and in whatever order they run,
        so that a model sees the same batches in every run.
    chunk
        Rows that are recorded together, a multiple of the batch size.
    """

    reader: Reader
    models: tuple[JobModel, ...]
    runtime: Runtime
    preprocessing: Preprocessing
    batch_size: int
    chunk: int

    @property
    def first_chunk(self) -> int:
        """First row of the first chunk that some model still needs."""
        start = min(model.start for model in self.models)
        return start - start % self.chunk

    def chunks(self) -> list[range]:
        """Rows of all chunks that are still needed, in order."""
        n = self.reader.testset.n
        starts = range(self.first_chunk, n, self.chunk)
        return [range(start, min(start + self.chunk, n)) for start in starts]

    def batches(self, rows: range) -> list[range]:
        """Rows of the batches of a chunk."""
        step = self.batch_size
        return [range(i, min(i + step, rows.stop)) for i in range(rows.start, rows.stop, step)]


@dataclass(frozen=True, slots=True)
class Rows:
    """What one model gave for the rows of a chunk.

    Attributes
    ----------
    model
        Its place in the job.
    last
        Whether these are the last rows of the test set.
    runtime
        Library versions, device and batch size that made them.
    """

    model: int
    rows: range
    columns: Mapping[str, npt.NDArray[Any]]
    last: bool
    runtime: Mapping[str, str]

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        return sum(values.nbytes for values in self.columns.values())


@dataclass(frozen=True, slots=True)
class Broken:
    """A model of a job that cannot go on.

    Attributes
    ----------
    stage
        ``load``, ``read``, ``predict`` or ``score``.
    """

    model: int
    stage: str
    error: str
    hint: str = ""
    traceback: str = ""


Outcome = Rows | Broken
