"""A job: models that share prepared items of one test set.  It travels to where it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from freshset.datasets.base import Reader
from freshset.models.base import Model, ModelInfo, Preprocessing, Runtime
from freshset.store.columns import Columns

Forward = Callable[[Model, Any], Any]
"""What is asked of a model about a batch: its answers, or its features.  Can be pickled."""


def predict(model: Model, batch: Any) -> Any:
    """Ask a model for its answers."""
    return model.predict(batch)


class ColumnMaker(Protocol):
    """Turns what a model gave into what is recorded; travels with its job."""

    def columns(self, raw: Any, rows: slice, items: Sequence[Any]) -> Columns:
        """Return the columns of some rows of the test set, or raise `DataError`."""


@dataclass(frozen=True, slots=True)
class JobModel:
    """One model of a job.

    Attributes
    ----------
    name
        In the store.
    info
        As it was planned; the model that is loaded must still be that.
    scorer
        What is made of its outputs.
    start
        First row to run; the rows before it are recorded already.
    forward
        What it is asked for.
    """

    name: str
    info: ModelInfo
    scorer: ColumnMaker
    start: int = 0
    forward: Forward = predict


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


def chunk_size(batch_size: int, rows: int) -> int:
    """Return the multiple of the batch size that is nearest to so many rows from below."""
    return batch_size * max(1, rows // batch_size)


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
    seconds
        That the model took for them, from a prepared batch to its outputs.
    """

    model: int
    rows: range
    columns: Columns
    last: bool
    runtime: Mapping[str, str]
    seconds: float = 0.0

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
