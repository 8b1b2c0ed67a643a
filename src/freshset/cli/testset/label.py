"""``freshset testset tasks``, ``publish``, ``answers``, ``frequencies`` and ``forecast``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshset.cli.output import emit, say, warn
from freshset.cli.testset.label_text import render_forecast, render_frequencies, render_import
from freshset.cli.testset.options import (
    DatabaseOption,
    FrequenciesOption,
    JsonOption,
    OutputOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    frequencies_of,
    opened,
    person,
)
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from freshset.core.frequencies import Frequencies

BatchOption = Annotated[
    str, typer.Option("--batch", help="Only this batch of tasks, such as 001.", metavar="BATCH")
]
LiveOption = Annotated[
    bool, typer.Option("--live", help="Real workers and real money instead of MTurk's sandbox.")
]


def tasks(
    project: ProjectOption,
    why: WhyOption,
    who: WhoOption = "",
    originals: Annotated[
        bool,
        typer.Option(
            "--originals", help="Ask about original images, whose frequencies shall be matched."
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Ask also about images in tasks that are still open.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the tasks as files; a new folder.", metavar="DIR"),
    ] = None,
    batch: BatchOption = "",
    close: Annotated[
        bool, typer.Option("--close", help="Close the tasks of --batch; makes none.")
    ] = False,
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Make labelling tasks with hidden controls, and write them as files.

    With --batch no tasks are made: those of the batch are written, or closed.
    """
    from freshset.replication.labelling.grids import close_tasks, make_tasks
    from freshset.replication.labelling.task_files import export_tasks

    if batch and not (export or close):
        raise UsageError(f"What is to be done with batch {batch}?", "Add --export DIR or --close.")
    if close and not batch:
        raise UsageError("Which tasks are to be closed?", "Name them with --batch.")
    data: dict[str, Any] = {"schema": "freshset.task-batch/1", "batch": batch}
    lines = []
    with opened(project, database) as open_project:
        if close:
            data["closed"] = close_tasks(open_project, batch, who=person(who), why=why)
            lines.append(f"Closed {data['closed']:,} tasks of batch {batch}.")
        elif not batch:
            made = make_tasks(
                open_project, who=person(who), why=why, originals=originals, again=again
            )
            data |= made.to_dict()
            lines.append(
                f"Batch {made.batch}: {made.tasks:,} tasks with {made.images:,} images, which ask "
                f"about {made.asked:,}."
            )
            lines += [
                f"Left out, {_LEFT_OUT[reason]}: {n:,}." for reason, n in made.left_out.items()
            ]
        if export is not None:
            data["exported"] = export_tasks(open_project, export, batch=data["batch"])
            lines.append(f"Wrote {data['exported']:,} tasks to {export}.")
    emit(data, "\n".join(lines), as_json=json, output=None)


_LEFT_OUT = {
    "answered": "with enough answers",
    "waiting": "in tasks that are open",
    "excluded": "on the blacklist or taken down",
    "original": "an original image or a duplicate of one",
}


def publish(
    project: ProjectOption,
    why: WhyOption,
    who: WhoOption = "",
    image_url: Annotated[
        str,
        typer.Option(
            "--image-url",
            help="Where the exported images lie: https://bucket.host/images/{token}.jpg",
            metavar="URL",
        ),
    ] = "",
    page_url: Annotated[
        str,
        typer.Option(
            "--page-url",
            help="Pages of your own in place of the built-in form: https://host/tasks/{task}",
            metavar="URL",
        ),
    ] = "",
    batch: BatchOption = "",
    live: LiveOption = False,
    confirm: Annotated[
        str, typer.Option("--confirm", help="The word LIVE, where there is no terminal to ask.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what it would cost.")
    ] = False,
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Post the open tasks on Mechanical Turk: in its sandbox, unless --live is given."""
    from freshset.replication.labelling import mturk

    if not dry_run and bool(image_url) == bool(page_url):
        raise UsageError(
            "Workers need a place to see the images.", "Give one of --image-url and --page-url."
        )
    with opened(project, database) as open_project:
        plan = mturk.preview(open_project, batch=batch, live=live)
        data = plan.to_dict()
        place = "real workers" if live else "the sandbox, which is free"
        text = (
            f"{plan.tasks:,} tasks x {plan.answers} workers x ${plan.reward:.2f} and fees = "
            f"${plan.cost:,.2f} for {place}."
        )
        if dry_run:
            emit(data, f"{text}\n{data['fee']}", as_json=json, output=None)
            return
        question = (
            mturk.page_question(image_url, live=live)
            if image_url
            else mturk.link_question(page_url)
        )
        say(text)
        if live:
            say(data["fee"])
            if not confirm and sys.stdin.isatty():
                confirm = typer.prompt(f"Type {mturk.LIVE_WORD} to spend it", err=True)
        mturk.check_word(plan, confirm)
        data["published"] = mturk.publish(
            open_project,
            mturk.connect(live=live),
            question=question,
            plan=plan,
            word=confirm,
            batch=batch,
            signed=(person(who), why),
        )
    emit(data, f"Published {data['published']:,} tasks.", as_json=json, output=None)


def answers(
    project: ProjectOption,
    why: WhyOption,
    format: Annotated[
        str,
        typer.Argument(
            help="table, mturk, label-studio, real, cifar10h or engstrom.", metavar="FORMAT"
        ),
    ],
    path: Annotated[Path | None, typer.Argument(help="File of answers.", metavar="FILE")] = None,
    who: WhoOption = "",
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch them from Mechanical Turk (format mturk).")
    ] = False,
    live: LiveOption = False,
    batch: BatchOption = "",
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Import answers from a file, or fetch them: all of them or nothing, and each once."""
    from freshset.replication.labelling.answers.formats import read_answers
    from freshset.replication.labelling.answers.importing import import_answers

    if fetch == (path is not None) or (fetch and format != "mturk"):
        raise UsageError(
            "Answers come from one file, or are fetched from Mechanical Turk.",
            "Write 'answers FORMAT FILE' or 'answers mturk --fetch'.",
        )
    with opened(project, database) as open_project:
        if path is None:
            from freshset.replication.labelling.mturk import connect, fetch_answers

            records = fetch_answers(open_project, connect(live=live), batch=batch)
        else:
            records = read_answers(format, path)
        report = import_answers(open_project, records, source=format, who=person(who), why=why)
    warn(report.warnings)
    emit(report.to_dict(), render_import(report), as_json=json, output=None)


def export(
    path: Annotated[
        Path, typer.Argument(help="File to write: .jsonl or .parquet.", metavar="FILE")
    ],
    project: ProjectOption,
    database: DatabaseOption = "",
    json: JsonOption = False,
) -> None:
    """Write all answers into a file, the same as the web app gives for download."""
    from freshset.replication.labelling.answer_export import SCHEMA, write_answers

    with opened(project, database) as open_project:
        size = write_answers(open_project, path)
    data = {"schema": "freshset.answers-export/1", "file": str(path), "bytes": size}
    text = f"Wrote {size:,} bytes to {path} ({SCHEMA})."
    emit(data, text, as_json=json, output=None)


def frequencies(
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", help="Folder of the project.", envvar="FRESHSET_PROJECT", metavar="DIR"
        ),
    ] = None,
    of: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            "--of",
            help="Answers in a file, without a project: FORMAT and FILE.",
            metavar="FORMAT FILE",
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write all answers pooled, without the spec's policy.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write the frequencies: .csv or .parquet.", metavar="FILE"),
    ] = None,
    original_names: Annotated[
        bool,
        typer.Option(
            "--original-names",
            help="Write original images under their names in the test set that they come from, by which "
            "'freshset compare' knows them; otherwise under their SHA-256.",
        ),
    ] = False,
    details: Annotated[
        Path | None,
        typer.Option(
            "--details",
            help="Write a row an image with posterior, interval and consensus: .csv or .parquet.",
            metavar="FILE",
        ),
    ] = None,
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Pool answers to selection frequencies; tell agreement, consensus and workers' quality."""
    from freshset.store.frequencies import write_frequencies
    from freshset.store.table_files import write_table

    if (project is None) == (of is None):
        raise UsageError("Whose answers?", "Give one of --project and --of.")
    table, data, images = _of_project(project, database, raw) if project else _of_file(of)
    if original_names:
        table = _under_original_names(project, database, table)
    if write is not None:
        write_frequencies(write, table)
        say(f"Wrote {len(table):,} frequencies to {write}.")
    if details is not None:
        if images is None:
            raise UsageError("Counts alone have no details.", "Give the raw answers.")
        write_table(details, images)
        say(f"Wrote {len(images):,} rows to {details}.")
    emit(data, render_frequencies(data), as_json=json, output=output)


def forecast(
    project: ProjectOption,
    frequencies: FrequenciesOption = None,
    level: Annotated[float, typer.Option("--level", help="Level of the intervals.")] = 0.9,
    simulations: Annotated[
        int, typer.Option("--simulations", help="Simulated futures of each class.", min=1)
    ] = 1_000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the simulations.", min=0)] = 0,
    database: DatabaseOption = "",
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Tell what is missing, by class and bin, and which tasks and money it will take."""
    import numpy as np

    from freshset.replication.sampling.choose import choice_of
    from freshset.replication.sampling.forecast import forecast as run

    if not 0 < level < 1:
        raise UsageError(f"--level {level} does not lie between 0 and 1.", "Try 0.9.")
    with opened(project, database) as open_project:
        given = frequencies_of(open_project, frequencies)
        with open_project.read() as connection:
            choice = choice_of(connection, given)
    rng = np.random.default_rng(seed)
    result = run(choice, level=level, simulations=simulations, rng=rng)
    emit(result.to_dict(), render_forecast(result), as_json=json, output=output)


def _of_project(
    project: Path, database: str, raw: bool
) -> tuple[Frequencies, dict[str, Any], pd.DataFrame | None]:
    from freshset.replication.labelling.crowd import image_table, summary
    from freshset.replication.labelling.frequencies import pooled_frequencies

    with opened(project, database) as open_project:
        pooled = pooled_frequencies(open_project)
    table = pooled.raw if raw else pooled.frequencies
    images = image_table(pooled.answers, table, pooled.raw)
    return table, summary(pooled.answers, table, pooled), images


def _under_original_names(project: Path | None, database: str, table: Frequencies) -> Frequencies:
    from freshset.replication.labelling.frequencies import under_original_names

    if project is None:
        raise UsageError("--original-names needs a project.", "Give --project in place of --of.")
    with opened(project, database) as open_project:
        return under_original_names(open_project, table)


def _of_file(
    of: tuple[str, Path] | None,
) -> tuple[Frequencies, dict[str, Any], pd.DataFrame | None]:
    from freshset.replication.labelling.answer_table import record_answers
    from freshset.replication.labelling.answers.formats import read_answers
    from freshset.replication.labelling.crowd import SCHEMA, describe, image_table, summary
    from freshset.replication.labelling.frequencies import pool

    format, path = of or ("", Path())
    if format == "cifar10h" and path.suffix == ".npy":
        from freshset.replication.labelling.answers.cifar10h import read_counts

        counts = read_counts(path)
        return counts, {"schema": SCHEMA, "frequencies": describe(counts)}, None
    answers = record_answers(read_answers(format, path))
    table = pool(answers)
    return table, summary(answers, table), image_table(answers, table, table)
