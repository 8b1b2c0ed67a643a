"""``freshset transfer pick``: which backbone for these images?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, LevelOption, OutputOption
from freshset.cli.output import columns, emit, say, wrapped
from freshset.cli.study_options import (
    BatchSizeOption,
    DeviceOption,
    OfflineOption,
    ThreadsOption,
    WorkersOption,
)
from freshset.core.durations import parse_duration

if TYPE_CHECKING:
    from freshset.transfer.picking.picked import Candidate, Picked

PARTIAL = 3


def pick(
    data: Annotated[
        Path,
        typer.Option(
            "--data", help="Folder of class folders of images, or of train, val and test."
        ),
    ],
    models: Annotated[
        list[str],
        typer.Option(
            "--models", help="Reference, wildcard or @FILE; repeat for more. Tried in this order."
        ),
    ],
    budget: Annotated[
        str,
        typer.Option(
            "--budget", help="Time that may be spent, such as 2h; models that do not fit are named."
        ),
    ] = "",
    top: Annotated[
        int, typer.Option("--top", help="How many models to price fine-tuning for.", min=0)
    ] = 3,
    seed: Annotated[int, typer.Option("--seed", help="Of the images held out.", min=0)] = 0,
    level: LevelOption = 0.95,
    store: Annotated[
        Path,
        typer.Option("--store", help="Folder that keeps the features.", envvar="FRESHSET_STORE"),
    ] = Path("store"),
    batch_size: BatchSizeOption = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Rank models by linear probes of their features; the test set of the data stays closed."""
    from freshset.cli.progress import work_watcher
    from freshset.engine.study_models import Models
    from freshset.engine.yaml_text import Document, problems_error
    from freshset.transfer.datasets.declaring import folder_dataset
    from freshset.transfer.picking.pick import PickSettings
    from freshset.transfer.picking.pick import pick as find

    seconds = parse_duration(budget) if budget else float("inf")
    settings = PickSettings(seconds=seconds, top=top, seed=seed, level=level)
    document = Document()
    wanted = Models(Path.cwd(), document).read(models)
    if document.problems:
        raise problems_error("--models", document.problems)
    given = {
        "batch_size": batch_size, "device": device, "workers": workers, "threads": threads,
        "offline": offline,
    }  # fmt: skip
    run = {name: value for name, value in given.items() if value is not None}
    say(f"Trying {len(wanted):,} models on {data} ...")
    found = find(
        folder_dataset(data), wanted, store.absolute(), settings, run=run, progress=work_watcher()
    )
    emit(found.to_dict(), pick_text(found), as_json=json, output=output)
    if found.untried:
        raise typer.Exit(PARTIAL)


def pick_text(found: Picked) -> str:
    """Return the answer for a terminal."""
    about = (
        f"{found.dataset}: {found.n_classes:,} classes; probes learned from {found.n_train:,} "
        f"images, and {found.n_judged:,} others judged them."
    )
    parts = [about, "", found.advice]
    if found.candidates:
        budgets = list(found.candidates[0].finetuning)
        header = ["group", "model", "accuracy", f"{found.level:.0%} interval", "ms/image"]
        rows = [_row(one, budgets) for one in found.candidates]
        header += [f"fine-tuning, {budget}" for budget in budgets]
        parts += ["", columns(header, rows, left=(1,))]
    parts += [""] + [f"Not tried: {one.model}: {one.reason}" for one in found.untried]
    warnings = [f"{one.model}: {text}" for one in found.candidates for text in one.warnings]
    notes = [
        "Models of one group cannot be told apart by these images (McNemar's exact test, Holm).",
        "A probe says how good fixed features are; fine-tuning may rank models otherwise.",
        "Times are measured here, but for fine-tuning: three passes a step, all trials together.",
        *found.notes,
        *warnings,
    ]
    return "\n".join([*parts, wrapped(notes)])


def _row(one: Candidate, budgets: list[str]) -> list[str]:
    from freshset.cli.progress import duration_text

    price = [duration_text(one.finetuning[b]) if b in one.finetuning else "" for b in budgets]
    return [
        str(one.group),
        one.model,
        f"{one.accuracy:.1%}",
        f"{one.low:.1%} to {one.high:.1%}",
        f"{one.milliseconds:.2g}",
        *price,
    ]
