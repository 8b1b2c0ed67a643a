"""``freshset import``: foreign predictions and results into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from freshset.cli.options import JsonOption, StoreOption
from freshset.cli.output import emit, warn
from freshset.core.errors import UsageError

app = typer.Typer(
    help="Import predictions and results made elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

TestSetFilter = Annotated[
    list[str] | None,
    typer.Option("--testset", help="Import only this test set; repeatable."),
]
TestSetOption = Annotated[
    str, typer.Option("--testset", help="Id of the test set, for example mnist/test.")
]
RepairOption = Annotated[
    str,
    typer.Option(
        "--repair",
        help="'worst-first' reorders cells whose last prediction is the best one, and records it.",
    ),
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Overwrite results that came from other files.")
]
ArchiveArgument = Annotated[Path, typer.Argument(help="Folder of the archive.", metavar="DIR")]
TableArgument = Annotated[Path, typer.Argument(help="Table to read.", metavar="FILE.csv")]


@app.command("imagenetv2")
def imagenetv2(
    path: ArchiveArgument,
    store: StoreOption,
    testset: TestSetFilter = None,
    repair: RepairOption = "none",
    replace: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Import the 'data' folder of the ImageNetV2 repository (predictions/ and datasets/)."""
    options = {"testset": tuple(testset or ()), "repair": repair, "replace": replace}
    _import("imagenetv2", path, store, options, json)


@app.command("cifar10.1")
def cifar10_1(
    path: ArchiveArgument,
    store: StoreOption,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            help="Labels of a set that the archive lacks, as cifar10/test=FILE; repeatable.",
            metavar="ID=FILE",
        ),
    ] = None,
    testset: TestSetFilter = None,
    replace: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Import the folder of the CIFAR-10.1 repository (model_predictions/ and datasets/)."""
    given = {}
    for text in labels or ():
        name, equals, file = text.partition("=")
        if not equals:
            raise UsageError(
                f"--labels {text!r} is not ID=FILE.", "Write --labels cifar10/test=FILE."
            )
        given[name] = Path(file)
    options = {"testset": tuple(testset or ()), "labels": given, "replace": replace}
    _import("cifar10.1", path, store, options, json)


@app.command("predictions")
def predictions(
    files: Annotated[
        list[Path],
        typer.Argument(help="npy, npz, csv, json or parquet, one a model.", metavar="FILE"),
    ],
    store: StoreOption,
    testset: TestSetOption,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Labels file, with or without ids.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option("--classes", help="Number of classes, or a file of class names in order."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name of the model, for a single file.")
    ] = None,
    repair: RepairOption = "none",
    replace: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Import predictions of your own models: top-1, or ordered top-k, with or without ids."""
    if model is not None and len(files) != 1:
        raise UsageError(f"One model name for {len(files)} files.", "Import the files one by one.")
    options = {
        "testset": testset,
        "labels": labels,
        "classes": classes,
        "repair": repair,
        "replace": replace,
    }
    named = files if model is None else {model: files[0]}
    _import("predictions", named, store, options, json)


@app.command("timm")
def timm(
    path: TableArgument,
    store: StoreOption,
    testset: TestSetOption,
    n: Annotated[
        int | None, typer.Option("--n", help="Items of the test set, where it is not a known one.")
    ] = None,
    replace: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Import a results table of timm (percentages, so intervals are approximate)."""
    _import("timm", path, store, {"testset": testset, "n": n, "replace": replace}, json)


@app.command("table")
def table(
    path: TableArgument,
    store: StoreOption,
    replace: ReplaceOption = False,
    json: JsonOption = False,
) -> None:
    """Import a tidy table of counts: model, testset, n, correct (and correct_top5)."""
    _import("table", path, store, {"replace": replace}, json)


def _import(
    format: str,
    path: Path | list[Path] | dict[str, Path],
    store: Path,
    options: dict[str, Any],
    as_json: bool,
) -> None:
    from freshset.store.importers import import_results

    report = import_results(format, path, store, **options)
    warn(report.warnings)
    new, old = len(report.written), len(report.unchanged)
    lines = [
        f"Imported {_count(new, 'cell')} on {_count(len(report.testsets), 'test set')} into {store}."
    ]
    if old:
        lines.append(f"Already there: {_count(old, 'cell')}.")
    lines += [f"Alias: {text}" for text in report.aliases]
    lines += [f"Repaired (worst-first): {text}" for text in report.repaired]
    emit(report.to_dict(), "\n".join(lines), as_json=as_json, output=None)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
