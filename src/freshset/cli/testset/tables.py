"""``freshset testset table``: accuracy by revision, by selection frequency, by strategy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import LevelOption, StoreOption
from freshset.cli.output import columns, emit
from freshset.cli.testset.options import (
    DatabaseOption,
    JsonOption,
    OutputOption,
    frequencies_of,
    opened,
)
from freshset.cli.testset.publish import AnyProjectOption, frequency_text
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.core.frequencies import Frequencies
    from freshset.replication.auditing.frequency_table import FrequencyTable
    from freshset.replication.auditing.revision_table import RevisionTable
    from freshset.replication.auditing.strategies_table import StrategiesTable
    from freshset.stats.types import Estimate

# So many models get a column each.
_SHOWN = 6

app = typer.Typer(
    name="table",
    help="Tables of accuracy by revision, by selection frequency and by sampling strategy.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FrequencyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--frequencies",
        help="Selection frequencies, csv or Parquet with item_id, class, selected, answers; or "
        "those of --project.",
        metavar="FILE",
    ),
]


@app.command("revisions")
def revisions(
    testset: Annotated[
        list[str],
        typer.Argument(
            help="Ids or patterns ('imagenetv2/b-*'), first revision to last.", metavar="TESTSET..."
        ),
    ],
    store: StoreOption,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only models of this name or pattern; repeatable."),
    ] = None,
    level: LevelOption = 0.95,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show how the building of a test set moved the scores on it."""
    from freshset.replication.auditing.revision_table import revision_table
    from freshset.store.parquet import ParquetStore

    result = revision_table(ParquetStore(store), testset, models=model or (), level=level)
    emit(result.to_dict(), render_revisions(result), as_json=json, output=output)


@app.command("frequencies")
def frequencies(
    testset: Annotated[str, typer.Argument(help="Id of the test set.", metavar="TESTSET")],
    store: StoreOption,
    file: FrequencyFileOption = None,
    project: AnyProjectOption = None,
    bins: Annotated[
        str, typer.Option("--bins", help="Inner edges of the bins, rising.", metavar="A,B,...")
    ] = "0.2,0.4,0.6,0.8",
    database: DatabaseOption = "",
    level: LevelOption = 0.95,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show accuracy on images that few selected, and on images that many selected."""
    from freshset.replication.auditing.frequency_table import frequency_table
    from freshset.store.parquet import ParquetStore

    known = _frequencies(file, project, database)
    if known is None:
        raise UsageError("No selection frequencies.", "Give --frequencies FILE or --project DIR.")
    result = frequency_table(ParquetStore(store), testset, known, edges=_edges(bins), level=level)
    emit(result.to_dict(), render_frequencies(result), as_json=json, output=output)


@app.command("strategies")
def strategies(
    strategy: Annotated[
        list[str],
        typer.Argument(
            help="Name of a strategy and id of the set that it made.", metavar="NAME=TESTSET..."
        ),
    ],
    store: StoreOption,
    original: Annotated[str, typer.Option("--original", help="Id of the original test set.")],
    file: FrequencyFileOption = None,
    project: AnyProjectOption = None,
    database: DatabaseOption = "",
    level: LevelOption = 0.95,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show the mean selection frequency and the mean change in accuracy of each strategy's set."""
    from freshset.replication.auditing.strategies_table import strategies_table
    from freshset.store.parquet import ParquetStore

    sets = {}
    for text in strategy:
        name, equals, testset = text.partition("=")
        if not (name and equals and testset) or name in sets:
            raise UsageError(
                f"{text!r} is not NAME=TESTSET of a new name.",
                "Write top=imagenetv2/top-images.",
            )
        sets[name] = testset
    known = _frequencies(file, project, database)
    result = strategies_table(ParquetStore(store), original, sets, known, level=level)
    emit(result.to_dict(), render_strategies(result), as_json=json, output=output)


def render_revisions(table: RevisionTable) -> str:
    """Lay out one row a revision: mean over common models, and each of them where they are few."""
    top1 = {(row.revision, row.model): row.top1.value for row in table.rows}
    n = {row.revision: row.n for row in table.rows}
    models = sorted({row.model for row in table.rows})
    shown = models if len(models) <= _SHOWN else []
    means = {mean.revision: mean for mean in table.means}
    rows = []
    for name in table.revisions:
        mean = means.get(name)
        numbers = ("-", "-") if mean is None else (f"{mean.top1:.2f}", f"{mean.change:+.2f}")
        own = (top1.get((name, model)) for model in shown)
        cells = ("-" if value is None else f"{value:.2f}" for value in own)
        rows.append((name, f"{n[name]:,}", *numbers, *cells))
    header = ("revision", "images", "mean top-1 %", "change", *shown)
    note = f"Means are over the {len(table.common):,} models that all revisions have."
    return f"{columns(header, rows)}\n\n{note}"


def render_frequencies(table: FrequencyTable) -> str:
    """Lay out one row a bin: mean over models, and each of them where they are few."""
    models = sorted({row.model for row in table.rows})
    shown = models if len(models) <= _SHOWN else []
    top1 = {(row.bin, row.model): row.top1.value for row in table.rows}
    rows = []
    for bin, n in zip(table.bins, table.sizes, strict=True):
        mean = sum(top1[bin, model] for model in models) / len(models)
        cells = (f"{top1[bin, model]:.2f}" for model in shown)
        rows.append((bin, f"{n:,}", f"{mean:.2f}", *cells))
    header = ("selection frequency", "images", "mean top-1 %", *shown)
    note = f"{table.testset}, {len(models):,} models; 'missing' are images without answers."
    return f"{columns(header, rows)}\n\n{note}"


def render_strategies(table: StrategiesTable) -> str:
    """Lay out one row a strategy."""
    rows = [
        (
            row.strategy,
            row.testset,
            f"{row.n:,}",
            frequency_text(row.mean_frequency),
            _change(row.top1),
            "-" if row.top5 is None else _change(row.top5),
        )
        for row in table.rows
    ]
    header = ("strategy", "test set", "images", "mean frequency", "top-1 change", "top-5 change")
    note = (
        f"Mean change in points against {table.original}, over {len(table.models):,} models; "
        "intervals are over images."
    )
    return f"{columns(header, rows, left=(0, 1))}\n\n{note}"


def _change(change: Estimate) -> str:
    return f"{change.value:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"


def _frequencies(file: Path | None, project: Path | None, database: str) -> Frequencies | None:
    if file is not None:
        from freshset.store.frequencies import read_frequencies

        return read_frequencies(file)
    if project is None:
        return None
    with opened(project, database) as open_project:
        return frequencies_of(open_project, None)


def _edges(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"--bins {text!r} are no numbers.", "Write --bins 0.2,0.4.") from error
