"""Runs jobs on this machine: worker processes read and prepare, this process runs the models."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import islice

from freshset.core.config import RunSettings
from freshset.engine.allocator import kept_memory
from freshset.engine.backends.base import Part, Result
from freshset.engine.evaluator import Evaluator
from freshset.engine.job import Job, Outcome
from freshset.engine.loader import Loader, takes_ids, workers_for


class LocalBackend:
    """See `freshset.engine.backends.base.Backend`."""

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings

    def run(self, job: Job) -> Generator[Outcome, None, None]:
        """Run one job."""
        evaluator = Evaluator(job)
        chunks = job.chunks()
        rows = sum(map(len, chunks))
        wanted = 0 if takes_ids(job.preprocessing) else self._settings.workers
        workers = workers_for(job.reader, wanted, rows)
        loader = Loader(
            job.reader, job.preprocessing, workers=workers, memory=self._settings.memory
        )
        with loader, kept_memory():
            yield from evaluator.load()
            if not evaluator.alive:
                return
            # One stream over all chunks, so that reading never pauses between two of them.
            batches = loader.batches(part for chunk in chunks for part in job.batches(chunk))
            for chunk in chunks:
                yield from evaluator.chunk(chunk, islice(batches, len(job.batches(chunk))))
                if not evaluator.alive:
                    return

    def map(
        self,
        function: Callable[[Part], Result],
        parts: Sequence[Part],
        *,
        gpus: bool = False,
        lost: Callable[[Part, str], Result] | None = None,
    ) -> Iterator[Result]:
        """Call a function on one part after the other; it may use all cores and GPUs itself."""
        del gpus, lost  # nobody shares them, and nothing outlives the loss of this process
        yield from map(function, parts)

    def close(self) -> None:
        """Nothing is kept between jobs."""
