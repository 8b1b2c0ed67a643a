"""``freshset run`` and ``status``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.cli.options import JsonOption, OutputOption
from freshset.cli.output import emit, say, warn
from freshset.cli.study_options import (
    ActorCpusOption,
    ActorGpusOption,
    ActorsOption,
    AddressOption,
    BackendOption,
    BatchSizeOption,
    DeviceOption,
    LimitOption,
    MemoryOption,
    ModelsAtOnceOption,
    OfflineOption,
    OnExistingOption,
    PrecisionOption,
    SaveOption,
    ShardOption,
    StudyArgument,
    StudyStoreOption,
    ThreadsOption,
    TopkOption,
    TrustOption,
    WorkersOption,
    overrides,
)

if TYPE_CHECKING:
    from freshset.engine.plan import Plan
    from freshset.engine.run import RunReport
    from freshset.engine.status import Status
    from freshset.engine.study import StudyFile
    from freshset.reports.study import Study
    from freshset.store.parquet import ParquetStore

PARTIAL = 3


def run(
    path: StudyArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and what it takes; write nothing.")
    ] = False,
    on_existing: OnExistingOption = None,
    shard: ShardOption = None,
    limit: LimitOption = None,
    save: SaveOption = None,
    topk: TopkOption = None,
    batch_size: BatchSizeOption = None,
    precision: PrecisionOption = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    models_at_once: ModelsAtOnceOption = None,
    backend: BackendOption = None,
    address: AddressOption = None,
    actors: ActorsOption = None,
    actor_cpus: ActorCpusOption = None,
    actor_gpus: ActorGpusOption = None,
    offline: OfflineOption = None,
    trust: TrustOption = None,
    store: StudyStoreOption = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Evaluate only; write no report.")
    ] = False,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Evaluate what the store lacks, then compare and report; running it again resumes."""
    study, opened, plan = _planned(
        path, store, on_existing=on_existing, shard=shard, limit=limit, save=save, topk=topk,
        batch_size=batch_size, precision=precision, device=device, workers=workers,
        threads=threads, memory=memory, models_at_once=models_at_once, backend=backend,
        address=address, actors=actors, actor_cpus=actor_cpus, actor_gpus=actor_gpus,
        offline=offline, trust=trust,
    )  # fmt: skip
    if dry_run:
        _dry_run(study, opened, plan, json, output)
        return
    result = _run(opened, plan)
    _finish(study, opened, result, no_report, json, output)


def status(
    path: StudyArgument,
    store: StudyStoreOption = None,
    limit: LimitOption = None,
    precision: PrecisionOption = None,
    offline: OfflineOption = None,
    trust: TrustOption = None,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Also show the traceback of every failure.")
    ] = False,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show which cells of a study are done, missing, stale, failed or partial, and why."""
    from freshset.cli.render_status import status_text
    from freshset.engine.status import status_of
    from freshset.version import __version__

    study, opened, plan = _planned(
        path, store, limit=limit, precision=precision, offline=offline, trust=trust
    )
    result = status_of(plan, opened)
    document: dict[str, Any] = {}
    if json:
        document = {"schema": "freshset.status/1", "version": __version__}
        document |= {"study": str(study.path), "store": opened.location} | result.to_dict()
    text = "" if json else status_text(result, traceback=traceback)
    emit(document, text, as_json=json, output=output)


def _planned(path: Path, store: Path | None, **given: Any) -> tuple[StudyFile, ParquetStore, Plan]:
    from freshset.engine.plan import make_plan
    from freshset.engine.study import load_study
    from freshset.store.parquet import ParquetStore

    study = load_study(path)
    wanted = study.wanted(overrides(study, **given))
    opened = ParquetStore(study.store if store is None else store, create=True)
    say(f"Looking at {len(study.models):,} models and {len(study.testsets):,} test sets ...")
    return study, opened, make_plan(wanted, opened)


def _dry_run(
    study: StudyFile, store: ParquetStore, plan: Plan, as_json: bool, output: Path | None
) -> None:
    from freshset.cli.render_run import document, plan_text
    from freshset.engine.cost import estimate
    from freshset.engine.status import status_of

    cost, state = estimate(plan, store), status_of(plan, store)
    data = document(study, store.location, state, cost=cost) if as_json else {}
    emit(data, "" if as_json else plan_text(plan, state, cost), as_json=as_json, output=output)


def _run(store: ParquetStore, plan: Plan) -> RunReport:
    from freshset.cli.progress import watcher
    from freshset.cli.render_run import intent_text
    from freshset.engine.cost import estimate
    from freshset.engine.execute import execute

    say(intent_text(plan, estimate(plan, store)))
    try:
        return execute(plan, store, watcher())
    except KeyboardInterrupt:
        say("Rows so far are kept: run the same command again to resume.")
        raise


def _finish(
    study: StudyFile,
    store: ParquetStore,
    result: RunReport,
    no_report: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    from freshset.cli.render_run import document, result_text
    from freshset.engine.status import replanned, status_of

    state = status_of(replanned(result.plan, store), store)
    studies: list[Study] = []
    page: Path | None = None
    if study.report is not None and study.compare and not no_report:
        studies, page = _report(study, study.report, store, state)
    data: dict[str, Any] = {}
    if as_json:
        data = document(study, store.location, state, result=result, page=page)
    text = "" if as_json else result_text(result, state, studies, page, store.location)
    emit(data, text, as_json=as_json, output=output)
    if not result.complete:
        raise typer.Exit(PARTIAL)


def _report(
    study: StudyFile, folder: Path, store: ParquetStore, state: Status
) -> tuple[list[Study], Path | None]:
    """Write the report of a study, as far as its cells are there."""
    from freshset.reports.studies import studies_of
    from freshset.reports.write import write_report

    settings = state.plan.wanted.settings
    if settings.limit:
        say("No report: a trial with --limit enters none.")
        return [], None
    waiting = sum(cell.state in {"missing", "partial", "elsewhere"} for cell in state.cells)
    if settings.shard[1] > 1 and waiting:
        say(f"No report yet: {waiting:,} cells are left to other shards.")
        return [], None
    studies, problems = studies_of(study, state, store.location)
    warn(problems)
    if not studies:
        return [], None
    say("Drawing tables and figures ...")
    return studies, write_report(studies, folder, title=study.title)
