"""Take features: all that the store lacks, once, by the engine's jobs.

Models that prepare items alike are run together on each batch, so that every item is read and decoded
once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from freshset.core.config import RunSettings
from freshset.engine.backends.base import Backend
from freshset.engine.job import Broken, Job, JobModel, Rows, chunk_size
from freshset.engine.progress import SilentWork, WorkProgress
from freshset.engine.writing import writing
from freshset.store.works import WorkFailure, Works
from freshset.transfer.features.asked import AskFeatures, FeatureColumns
from freshset.transfer.features.recording import FeatureRecording, start_recording
from freshset.transfer.features.wanted import KIND, WantedFeatures
from freshset.version import __version__

_CHUNK = 1024


@dataclass(slots=True)
class FeatureReport:
    """What taking features came to.

    Attributes
    ----------
    made
        What was stored.
    failures
        Why others could not be.
    elsewhere
        What another process is at.
    """

    made: list[WantedFeatures] = field(default_factory=list)
    failures: list[WorkFailure] = field(default_factory=list)
    elsewhere: list[WantedFeatures] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything that was wanted is in the store now."""
        return not (self.failures or self.elsewhere)


def extract(
    wanted: Sequence[WantedFeatures],
    store: Path,
    backend: Backend,
    settings: RunSettings,
    progress: WorkProgress | None = None,
) -> FeatureReport:
    """Take all features that a store lacks.

    Running again resumes: rows that were recorded before an interruption are not taken again.

    Parameters
    ----------
    wanted
        The same features may be wanted several times.
    store
        Its folder.
    settings
        ``batch_size`` and ``models_at_once`` are used here, the others by the backend.

    Raises
    ------
    StoreError
        When the store cannot be written to; what was stored before stays as it is.
    """
    works = Works(store)
    with writing(store):
        works.sweep()
    unique = {one.spec.identity: one for one in wanted}
    todo = [one for one in unique.values() if not works.has(one.spec)]
    runner = _Runner(store, works, backend, settings, progress or SilentWork())
    runner.progress.begin(len(todo), sum(one.images for one in todo))
    try:
        runner.run(todo)
        # Once more what other processes were at: by now they may be done with it, or dead.
        left, runner.report.elsewhere = runner.report.elsewhere, []
        runner.run(left)
    finally:
        runner.progress.end()
    return runner.report


class _Runner:
    """The state of one call."""

    def __init__(
        self,
        store: Path,
        works: Works,
        backend: Backend,
        settings: RunSettings,
        progress: WorkProgress,
    ) -> None:
        self._store = store
        self._works = works
        self._backend = backend
        self._settings = settings
        self.progress = progress
        self.report = FeatureReport()

    def run(self, todo: Sequence[WantedFeatures]) -> None:
        """Take features, group by group."""
        for group in _groups(todo, self._settings.models_at_once):
            taken: list[tuple[WantedFeatures, FeatureRecording]] = []
            with ExitStack() as end:
                for one in group:
                    recording = self._taken(one)
                    if recording is not None:
                        end.callback(self._close, recording)
                        taken.append((one, recording))
                self._run(taken)

    def _taken(self, one: WantedFeatures) -> FeatureRecording | None:
        """Start recording, unless another process is at it or has just done it."""
        with writing(self._store):
            recording = start_recording(self._works, one.spec, one.images, one.features.storage)
        if recording is None:
            if self._works.has(one.spec):
                self.progress.made(one.title, one.images)
            else:
                self.report.elsewhere.append(one)
        return recording

    def _run(self, taken: Sequence[tuple[WantedFeatures, FeatureRecording]]) -> None:
        for one, recording in taken:
            self.progress.advance(recording.done)
            if recording.done == one.images:
                # The process before this one stopped between the last row and the result.
                self._finish(one, recording)
        left = [(one, recording) for one, recording in taken if recording.done < one.images]
        if not left:
            return
        self.progress.working(_working([one for one, _ in left]))
        # Closed whatever happens, so that a full disk leaves no workers behind.
        with closing(self._backend.run(self._job(left))) as outcomes:
            for outcome in outcomes:
                one, recording = left[outcome.model]
                if isinstance(outcome, Broken):
                    self._fail(one, outcome)
                else:
                    self._record(one, recording, outcome)

    def _job(self, left: Sequence[tuple[WantedFeatures, FeatureRecording]]) -> Job:
        first, size = left[0][0], self._settings.batch_size
        models = tuple(
            JobModel(
                one.model,
                one.info,
                FeatureColumns(one.model, one.reader.testset, one.features.storage),
                recording.done,
                AskFeatures(one.features.layer, one.features.pooling),
            )
            for one, recording in left
        )
        chunk = chunk_size(size, _CHUNK)
        return Job(first.reader, models, first.runtime, first.preprocessing, size, chunk)

    def _record(self, one: WantedFeatures, recording: FeatureRecording, rows: Rows) -> None:
        if rows.rows.start != recording.done:
            raise RuntimeError(f"rows from {rows.rows.start} on came after {recording.done}")
        runtime = {**rows.runtime, "freshset": __version__}
        with writing(self._store):
            recording.append(rows.columns[KIND], runtime, rows.seconds)
        self.progress.advance(len(rows.rows))
        if rows.last:
            self._finish(one, recording)

    def _finish(self, one: WantedFeatures, recording: FeatureRecording) -> None:
        with writing(self._store):
            recording.finish({"model": one.model, "testset": one.reader.testset.id})
        self.report.made.append(one)
        self.progress.made(one.title, 0)

    def _fail(self, one: WantedFeatures, broken: Broken) -> None:
        failure = WorkFailure(one.spec, one.title, broken.error, broken.hint, broken.traceback)
        with writing(self._store):
            self._works.put_failure(failure)
        self.report.failures.append(failure)
        self.progress.failed(failure)

    def _close(self, recording: FeatureRecording) -> None:
        with writing(self._store):
            recording.close()


def _groups(todo: Sequence[WantedFeatures], size: int) -> Iterator[list[WantedFeatures]]:
    """Features of one set of items whose models share prepared items, a few models at a time."""
    place = {one.reader.testset.id: i for i, one in reversed(list(enumerate(todo)))}

    def key(one: WantedFeatures) -> tuple[int, str, str]:
        shared = one.info.input + one.preprocessing.shared
        return place[one.reader.testset.id], one.reader.reading, f"{shared} {one.runtime}"

    for _, found in groupby(sorted(todo, key=key), key):
        group = list(found)
        yield from (group[i : i + size] for i in range(0, len(group), size))


def _working(group: Sequence[WantedFeatures]) -> str:
    more = f" and of {len(group) - 1:,} more models" if len(group) > 1 else ""
    return f"{group[0].title}{more}"
