"""``freshset score`` and ``rescore``: numbers from what is stored, without running a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, LevelOption, OutputOption, SeedOption, StoreOption
from freshset.cli.output import columns, emit, warn
from freshset.core.config import CompareSettings
from freshset.core.identifiers import testset_title

if TYPE_CHECKING:
    from freshset.generalization.measure import Measures
    from freshset.stats.metrics import MetricValue

_DEFAULT = CompareSettings()

TestSetArgument = Annotated[str, typer.Option("--testset", help="Id of the test set.")]


def score(
    store: StoreOption,
    testset: TestSetArgument,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Metric (see 'freshset ls metrics'); repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only these models, by name or pattern; repeatable."),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="Also by a column of the test set, or by 'class'.")
    ] = "",
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", help="Number of item resamples.", metavar="N")
    ] = _DEFAULT.item_bootstrap,
    seed: SeedOption = _DEFAULT.seed,
    level: LevelOption = _DEFAULT.level,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Give metrics of stored cells with their intervals, whole or by stratum."""
    from freshset.generalization.measure import MeasureSettings, measure
    from freshset.store.parquet import ParquetStore

    settings = MeasureSettings(tuple(metric or ()), tuple(model or ()), by, level, bootstrap, seed)
    result = measure(ParquetStore(store), testset, settings)
    emit(result.to_dict(), _text(result), as_json=json, output=output)


def rescore(
    store: StoreOption,
    testset: TestSetArgument,
    new: Annotated[str, typer.Option("--as", help="Id of the new test set.", metavar="ID")],
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Other labels, by item_id.", metavar="FILE")
    ] = None,
    accept: Annotated[
        Path | None,
        typer.Option("--accept", help="Classes that count as right, such as real.json."),
    ] = None,
    ids: Annotated[
        str,
        typer.Option("--ids", help="How the items of a list are called, as 'val_{:08d}'."),
    ] = "",
    classes: Annotated[
        str, typer.Option("--classes", help="Keep these classes: a known space, or a file.")
    ] = "",
    mapping: Annotated[
        str, typer.Option("--mapping", help="How the old classes become the new ones.")
    ] = "restrict",
    json: JsonOption = False,
) -> None:
    """Score stored predictions by other labels, accepted classes, or fewer classes."""
    from freshset.engine.rescore import rescore as rescored
    from freshset.engine.retarget import Retarget, retarget
    from freshset.store.parquet import ParquetStore

    opened = ParquetStore(store)
    change = Retarget(labels, accept, ids, classes, mapping)
    target = retarget(opened.testset(testset), new, change)
    made = rescored(opened, testset, target.testset, target.rows, target.mapping)
    tied = {name: count for name, count in made.ties.items() if count}
    warn(
        f"{name}: {count:,} items are tied in the stored scores (float16); rounding decided them."
        for name, count in sorted(tied.items())
    )
    name, n = target.testset.id, target.testset.n
    data = {
        "schema": "freshset.rescore/1",
        "testset": name,
        "n": n,
        "models": [cell.spec.model for cell in made.cells],
        "ties": made.ties,
    }
    text = f"Scored {len(made.cells):,} new cells on {name}: {n:,} items."
    emit(data, text, as_json=json, output=None)


def _text(result: Measures) -> str:
    header = ("model", *(_heading(name) for name in result.metrics))
    rows = [
        (row.model, *(_shown(row.values.get(name)) for name in result.metrics))
        for row in result.models
    ]
    parts = [testset_title(result.testset), "", columns(header, rows)]
    for row in result.models:
        for name, strata in row.strata.items():
            parts += ["", f"{row.model}, {name} by {result.by}"]
            table = [(which, f"{value.n:,}", _shown(value)) for which, value in strata]
            parts.append(columns((result.by, "n", _heading(name)), table))
    reasons = {text for row in result.models for text in row.absent.values()}
    parts += ["", *(f"- {text}." for text in sorted(reasons))] if reasons else []
    return "\n".join(parts)


def _heading(name: str) -> str:
    return f"{name} %" if _is_fraction(name) else name


def _is_fraction(name: str) -> bool:
    from freshset.stats.metrics import find_metric

    return find_metric(name).unit == "fraction"


def _shown(value: MetricValue | None) -> str:
    if value is None or math.isnan(value.value):
        return "-"
    scale, digits = (100, 2) if _is_fraction(value.name) else (1, 4)
    shown = [f"{scale * part:.{digits}f}" for part in (value.value, value.low, value.high)]
    return shown[0] if math.isnan(value.low) else f"{shown[0]} [{shown[1]}, {shown[2]}]"
