"""Run a plan: everything that the store lacks, recorded as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby

from freshset.core.errors import UsageError
from freshset.core.records import Cell
from freshset.datasets.base import Reader
from freshset.engine.backends.base import Backend
from freshset.engine.job import Broken, Job, JobModel, Rows, chunk_size
from freshset.engine.pairing import Pair, pair
from freshset.engine.plan import Plan, PlannedCell, failure_of, plan_cells
from freshset.engine.progress import Progress, Silent
from freshset.engine.scoring import Scorer
from freshset.engine.writing import writing
from freshset.models.registry import load
from freshset.store.base import Failure, Recording, Store
from freshset.version import __version__

_CHUNK = 1024


@dataclass(slots=True)
class RunReport:
    """What a run did.

    Attributes
    ----------
    plan
        What was wanted, with models as they turned out to be when they were fetched.
    made
        Cells that were stored.
    failures
        Cells that could not be made.
    elsewhere
        Model and test set of cells that another process is making.
    missing
        Cells that were wanted but not run (``only-cache``).
    """

    plan: Plan
    made: list[Cell] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    elsewhere: list[tuple[str, str]] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything that was wanted is in the store now."""
        return not (self.failures or self.elsewhere or self.missing)


def run_plan(
    plan: Plan, store: Store, backend: Backend, progress: Progress | None = None
) -> RunReport:
    """Run what the store lacks.

    Running again resumes: rows that were recorded before an interruption are not run again.

    Raises
    ------
    UsageError
        When ``on_existing`` is ``never`` and something is there already, or results of a wanted
        name were imported from a file.
    StoreError
        When the store cannot be written to; what was stored before stays as it is.
    """
    progress = progress or Silent()
    settings = plan.wanted.settings
    _check_existing(plan)
    todo = plan.to_run(again=settings.on_existing == "always")
    report = RunReport(plan)
    if settings.on_existing == "only-cache":
        report.missing = [(cell.model, cell.testset) for cell in todo]
        return report
    with writing(store.location):
        store.sweep()
    runner = _Runner(plan, store, backend, progress, report)
    runner.refuse()
    report.plan, todo = runner.fetch(todo)
    runner.put_testsets(todo)
    progress.begin(len(todo), sum(runner.readers[cell.testset].testset.n for cell in todo))
    try:
        for group in runner.groups(todo):
            runner.run(group)
        # Once more what other processes were at: by now they may be done with it, or dead.
        for group in runner.groups(runner.left()):
            runner.run(group)
        report.elsewhere = [(cell.model, cell.testset) for cell in runner.left()]
    finally:
        progress.end()
    with writing(store.location):
        store.sweep()
    return report


class _Runner:
    """The state of one run."""

    def __init__(
        self, plan: Plan, store: Store, backend: Backend, progress: Progress, report: RunReport
    ) -> None:
        self._plan = plan
        self._store = store
        self._backend = backend
        self._progress = progress
        self._report = report
        self._settings = plan.wanted.settings
        self._elsewhere: list[PlannedCell] = []
        self.readers = {reader.testset.id: reader for reader in plan.readers.values()}
        self._refs = {plan.readers[ref.id].testset.id: ref for ref in plan.wanted.testsets}

    def refuse(self) -> None:
        """Record the cells of this shard that could not even be planned."""
        for cell in self._plan.cells:
            failure = self._plan.failures.get((cell.model, cell.testset))
            if failure is not None and cell.in_shard(self._settings.shard):
                self._fail(failure)

    def fetch(self, todo: list[PlannedCell]) -> tuple[Plan, list[PlannedCell]]:
        """Fetch models that are not on this machine, and plan again with what they turn out to be.

        Only their weights say what their cells are; some may be stored already.
        """
        plan = self._plan
        absent = sorted({cell.model for cell in todo if plan.infos[cell.model].download})
        if not absent:
            return plan, todo
        infos, errors = dict(plan.infos), dict(plan.errors)
        refs = {model.title: model.ref for model in plan.wanted.models}
        for name in absent:
            try:
                infos[name] = load(refs[name], plan.wanted.runtime).info
            except Exception as error:  # one model that cannot be fetched must not stop the others
                infos.pop(name)
                errors[name] = error
        wanted = {(cell.model, cell.testset) for cell in todo}
        self._plan = plan_cells(plan.wanted, infos, errors, plan.readers, self._store)
        for name, testset in sorted(wanted):
            if name in errors:
                self._fail(failure_of(name, testset, "load", errors[name]))
        again = self._settings.on_existing == "always"
        left = [c for c in self._plan.to_run(again=again) if (c.model, c.testset) in wanted]
        return self._plan, left

    def put_testsets(self, todo: Sequence[PlannedCell]) -> None:
        """Store the test sets, all before any model runs: one that changed stops the run here."""
        with writing(self._store.location), self._store.batch() as batch:
            for name in dict.fromkeys(cell.testset for cell in todo):
                batch.put_testset(self.readers[name].testset)

    def groups(self, todo: Sequence[PlannedCell]) -> Iterator[list[PlannedCell]]:
        """Cells of one test set whose models share prepared items, a few models at a time."""
        place = {testset: i for i, testset in enumerate(self._refs)}

        def key(cell: PlannedCell) -> tuple[int, str]:
            info = self._plan.infos[cell.model]
            return place[cell.testset], info.input + info.preprocessing.shared

        size = self._settings.models_at_once
        for _, found in groupby(sorted(todo, key=key), key):
            cells = list(found)
            yield from (cells[i : i + size] for i in range(0, len(cells), size))

    def left(self) -> list[PlannedCell]:
        """Return the cells that were left to other processes since this was asked last."""
        cells, self._elsewhere = self._elsewhere, []
        return cells

    def run(self, cells: Sequence[PlannedCell]) -> None:
        """Run one group."""
        reader = self.readers[cells[0].testset]
        pairs: list[Pair] = []
        recordings: list[Recording] = []
        try:
            for cell in cells:
                taken = self._taken(cell, reader)
                if taken is not None:
                    pairs.append(taken[0])
                    recordings.append(taken[1])
            if pairs:
                self._run(reader, pairs, recordings)
        finally:
            for recording in recordings:
                recording.close()

    def _taken(self, cell: PlannedCell, reader: Reader) -> tuple[Pair, Recording] | None:
        """Start recording a cell, unless another process makes it or has just made it."""
        info = self._plan.infos[cell.model]
        ref = self._refs[cell.testset]
        found = pair(cell.model, info, reader, self._settings.precision, ref)
        again = self._settings.on_existing == "always"
        with writing(self._store.location):
            recording = self._store.recording(found.spec, reader.testset, replace=again)
        if recording is None:
            self._elsewhere.append(cell)
            return None
        current = self._store.cells(cell.testset, cell.model)
        if not again and any(c.spec.identity == found.spec.identity for c in current):
            recording.close()
            return None
        return found, recording

    def _run(self, reader: Reader, pairs: list[Pair], recordings: list[Recording]) -> None:
        names = tuple(p.spec.model for p in pairs)
        self._progress.working(names, reader.testset.id)
        for recording in recordings:
            self._progress.advance(recording.done)
        for recording in recordings:
            if recording.done == reader.testset.n:
                # The run before this one stopped between the last row and the cell.
                self._finish(recording)
        left = [i for i, recording in enumerate(recordings) if recording.done < reader.testset.n]
        if not left:
            return
        job = self._job(reader, [pairs[i] for i in left], [recordings[i].done for i in left])
        # Closed whatever happens, so that a full disk leaves no workers behind.
        with closing(self._backend.run(job)) as outcomes:
            for outcome in outcomes:
                at = left[outcome.model]
                if isinstance(outcome, Broken):
                    self._fail(_failure(pairs[at], outcome))
                    continue
                self._record(recordings[at], outcome)

    def _record(self, recording: Recording, rows: Rows) -> None:
        if rows.rows.start != recording.done:
            raise RuntimeError(f"rows from {rows.rows.start} on came after {recording.done}")
        with writing(self._store.location):
            recording.append(rows.columns, {**rows.runtime, "freshset": __version__})
        self._progress.advance(len(rows.rows))
        if rows.last:
            self._finish(recording)

    def _finish(self, recording: Recording) -> None:
        with writing(self._store.location):
            cell = recording.finish()
        self._report.made.append(cell)
        self._progress.made(cell)

    def _job(self, reader: Reader, pairs: Sequence[Pair], done: Sequence[int]) -> Job:
        settings = self._settings
        infos = [self._plan.infos[p.spec.model] for p in pairs]
        models = tuple(
            JobModel(
                p.spec.model,
                info,
                Scorer(
                    p.spec.model,
                    reader.testset,
                    info.outputs,
                    p.mapping,
                    settings.topk,
                    settings.save == "scores",
                ),
                start,
            )
            for p, info, start in zip(pairs, infos, done, strict=True)
        )
        size = settings.batch_size
        chunk = chunk_size(size, _CHUNK)
        runtime = self._plan.wanted.runtime
        return Job(reader, models, runtime, infos[0].preprocessing, size, chunk)

    def _fail(self, failure: Failure) -> None:
        with writing(self._store.location):
            self._store.put_failure(failure)
        self._report.failures.append(failure)
        self._progress.failed(failure)


def _failure(made: Pair, outcome: Broken) -> Failure:
    return Failure(
        made.spec.model,
        made.spec.testset,
        made.spec.identity,
        outcome.stage,
        outcome.error,
        outcome.hint,
        outcome.traceback,
    )


def _check_existing(plan: Plan) -> None:
    foreign = [cell for cell in plan.cells if cell.state == "imported"]
    if foreign:
        cell = foreign[0]
        raise UsageError(
            f"The store holds imported results of {cell.model!r} on {cell.testset!r} "
            f"({len(foreign):,} such cells).",
            "Give the model another name in the study, or use another store.",
        )
    done = [cell for cell in plan.cells if cell.state in {"done", "stale"}]
    if plan.wanted.settings.on_existing == "never" and done:
        raise UsageError(
            f"{len(done):,} cells are there already, the first {done[0].model!r} on "
            f"{done[0].testset!r}.",
            "Use --on-existing only-missing to run the rest, or another store.",
        )
