"""``freshset transfer run`` and its single stages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, OutputOption
from freshset.cli.output import emit, say
from freshset.cli.study_options import (
    ActorCpusOption,
    ActorGpusOption,
    ActorsOption,
    AddressOption,
    BackendOption,
    BatchSizeOption,
    DeviceOption,
    MemoryOption,
    ModelsAtOnceOption,
    OfflineOption,
    PrecisionOption,
    ShardOption,
    StudyArgument,
    StudyStoreOption,
    ThreadsOption,
    TrustOption,
    WorkersOption,
    overrides,
)

if TYPE_CHECKING:
    from freshset.transfer.running import Stage, TransferPlan, TransferRun

PARTIAL = 3
STAGES = {
    "run": "Do all of a transfer study that the store lacks; running it again resumes.",
    "features": "Take the fixed features of a transfer study only.",
    "probe": "Take fixed features and fit logistic regressions on them only.",
    "finetune": "Fine-tune only: trials of rate and decay, and the final runs.",
    "scratch": "Train from random weights only: trials of rate and decay, and the final runs.",
}
_REGIMES: dict[str, Stage] = {
    "run": None, "features": "features", "probe": "features",
    "finetune": "finetune", "scratch": "scratch",
}  # fmt: skip


def stage_command(name: str) -> Callable[..., None]:
    """Return the command of a stage; all take the same options."""

    def command(
        path: StudyArgument,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Print the plan and what it takes; write nothing.")
        ] = False,
        shard: ShardOption = None,
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
        json: JsonOption = False,
        output: OutputOption = None,
    ) -> None:
        plan = _planned(
            path, store, shard=shard, batch_size=batch_size, precision=precision, device=device,
            workers=workers, threads=threads, memory=memory, models_at_once=models_at_once,
            backend=backend, address=address, actors=actors, actor_cpus=actor_cpus,
            actor_gpus=actor_gpus, offline=offline, trust=trust,
        )  # fmt: skip
        if dry_run:
            _dry_run(plan, name, json, output)
        else:
            _finish(_run(plan, name), name, json, output)

    command.__name__ = name
    return command


def _planned(path: Path, store: Path | None, **given: object) -> TransferPlan:
    from freshset.transfer.running import make_transfer_plan
    from freshset.transfer.study import load_transfer

    study = load_transfer(path)
    say(f"Looking at {len(study.models):,} models and {len(study.datasets):,} data sets ...")
    return make_transfer_plan(study, overrides(study, **given), store=store)


def _dry_run(plan: TransferPlan, name: str, as_json: bool, output: Path | None) -> None:
    from freshset.cli.transfer.render import document, plan_text
    from freshset.transfer.costs import transfer_cost

    cost = transfer_cost(plan, _REGIMES[name])
    data = document(plan, name, cost=cost) if as_json else {}
    emit(data, "" if as_json else plan_text(plan, name, cost), as_json=as_json, output=output)


def _run(plan: TransferPlan, name: str) -> TransferRun:
    from freshset.cli.progress import work_watcher
    from freshset.cli.transfer.render import intent_text
    from freshset.transfer.costs import transfer_cost
    from freshset.transfer.running import run_transfer

    stage = _REGIMES[name]
    say(intent_text(transfer_cost(plan, stage)))
    try:
        return run_transfer(
            plan, stage=stage, features_only=name == "features", progress=work_watcher()
        )
    except KeyboardInterrupt:
        say("Features and checkpoints so far are kept: run the same command again to resume.")
        raise


def _finish(result: TransferRun, name: str, as_json: bool, output: Path | None) -> None:
    from freshset.cli.transfer.render import document, result_text
    from freshset.cli.transfer.reporting import report_of

    found = report_of(result.plan) if name == "run" else None
    page = None if found is None else found[1]
    findings = () if found is None else found[0].findings
    data = document(result.plan, name, result=result, page=page) if as_json else {}
    text = "" if as_json else result_text(result, findings, page)
    emit(data, text, as_json=as_json, output=output)
    if not result.complete:
        raise typer.Exit(PARTIAL)
