"""``freshset compare``, ``pair``, ``lint`` and ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import (
    BootstrapOption,
    ExcludeOption,
    FailOn,
    FailOnOption,
    ItemBootstrapOption,
    JsonOption,
    LevelOption,
    MarginOption,
    MetricName,
    MetricOption,
    NewFrequenciesOption,
    NewOption,
    OldFrequenciesOption,
    OldOption,
    OutputOption,
    PowerOption,
    ResampleName,
    ResampleOption,
    SameDistributionOption,
    SeedOption,
    StoreOption,
)
from freshset.cli.output import emit, say, warn
from freshset.core.config import CompareSettings
from freshset.core.errors import UsageError
from freshset.core.identifiers import testset_title

if TYPE_CHECKING:
    from freshset.core.frequencies import Frequencies
    from freshset.core.issues import Severity
    from freshset.generalization.comparison import Comparison
    from freshset.store.base import Store

_DEFAULT = CompareSettings()
_SHOWN_NOTES = 10


def compare(
    store: StoreOption,
    old: OldOption,
    new: NewOption,
    metric: MetricOption = MetricName.top1,
    exclude: ExcludeOption = None,
    resample: ResampleOption = ResampleName.both,
    bootstrap: BootstrapOption = _DEFAULT.bootstrap,
    item_bootstrap: ItemBootstrapOption = _DEFAULT.item_bootstrap,
    seed: SeedOption = _DEFAULT.seed,
    level: LevelOption = _DEFAULT.level,
    margin: MarginOption = _DEFAULT.margin,
    power: PowerOption = _DEFAULT.power,
    same_distribution: SameDistributionOption = False,
    old_frequencies: OldFrequenciesOption = None,
    new_frequencies: NewFrequenciesOption = None,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Compare an old test set with a new one: drops, line, ranks, gap and findings."""
    from freshset.cli.render import comparison_text

    settings = CompareSettings(
        metric.value, tuple(exclude or ()), resample.value, bootstrap, item_bootstrap, seed, level,
        margin, power, same_distribution,
    )  # fmt: skip
    _, result = _compared(store, (old, new), (old_frequencies, new_frequencies), settings)
    warn(result.warnings)
    emit(result.to_dict(), comparison_text(result), as_json=json, output=output)


def pair(
    a: Annotated[str, typer.Argument(help="Model.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Model to compare it with.", metavar="B")],
    store: StoreOption,
    testset: Annotated[
        list[str] | None,
        typer.Option("--testset", help="Only on this test set; repeatable."),
    ] = None,
    metric: MetricOption = MetricName.top1,
    seed: SeedOption = _DEFAULT.seed,
    level: LevelOption = _DEFAULT.level,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Compare two models item by item (McNemar's test) on every test set that both have."""
    from freshset.cli.render import pair_text
    from freshset.generalization.pair import pair as pair_of
    from freshset.store.parquet import ParquetStore

    settings = CompareSettings(metric=metric.value, seed=seed, level=level)
    result = pair_of(ParquetStore(store), a, b, tuple(testset or ()), settings)
    emit(result.to_dict(), pair_text(result), as_json=json, output=output)


def lint(
    store: StoreOption,
    fail_on: FailOnOption = FailOn.fault,
    json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Look for broken cells: order, ids, class order, clones, chance level, overlaps."""
    from freshset.cli.render import lint_text
    from freshset.generalization.lint import lint as lint_store
    from freshset.store.parquet import ParquetStore

    result = lint_store(ParquetStore(store))
    emit(result.to_dict(), lint_text(result, _SHOWN_NOTES), as_json=json, output=output)
    limits: dict[FailOn, Severity] = {FailOn.fault: "fault", FailOn.warning: "warning"}
    if fail_on in limits and result.at_least(limits[fail_on]):
        raise typer.Exit(1)


def report(
    store: StoreOption,
    old: OldOption,
    new: NewOption,
    output: Annotated[
        Path, typer.Option("--output", help="Folder for the report.", metavar="DIR")
    ] = Path("report"),
    metric: MetricOption = MetricName.top1,
    exclude: ExcludeOption = None,
    resample: ResampleOption = ResampleName.both,
    bootstrap: BootstrapOption = _DEFAULT.bootstrap,
    item_bootstrap: ItemBootstrapOption = _DEFAULT.item_bootstrap,
    seed: SeedOption = _DEFAULT.seed,
    level: LevelOption = _DEFAULT.level,
    margin: MarginOption = _DEFAULT.margin,
    power: PowerOption = _DEFAULT.power,
    same_distribution: SameDistributionOption = False,
    old_frequencies: OldFrequenciesOption = None,
    new_frequencies: NewFrequenciesOption = None,
) -> None:
    """Write one self-contained HTML page with tables (csv, md, tex) and figures (svg, png)."""
    from freshset.reports.study import study_from
    from freshset.reports.write import write_report

    settings = CompareSettings(
        metric.value, tuple(exclude or ()), resample.value, bootstrap, item_bootstrap, seed, level,
        margin, power, same_distribution,
    )  # fmt: skip
    opened, result = _compared(store, (old, new), (old_frequencies, new_frequencies), settings)
    warn(result.warnings)
    say("Drawing tables and figures ...")
    title = f"{testset_title(result.old)} and {testset_title(result.new)}"
    typer.echo(write_report([study_from(opened, result, title=title)], output))


def _compared(
    store: Path,
    sets: tuple[str, str],
    frequencies: tuple[Path | None, Path | None],
    settings: CompareSettings,
) -> tuple[Store, Comparison]:
    from freshset.generalization.compare import compare as compare_sets
    from freshset.store.parquet import ParquetStore

    opened = ParquetStore(store)
    return opened, compare_sets(opened, *sets, settings, frequencies=_frequencies(*frequencies))


def _frequencies(old: Path | None, new: Path | None) -> tuple[Frequencies, Frequencies] | None:
    from freshset.store.frequencies import read_frequencies

    if old is None and new is None:
        return None
    if old is None or new is None:
        raise UsageError(
            "Selection frequencies of one set only.",
            "Give both --old-frequencies and --new-frequencies; one file may hold both sets.",
        )
    return read_frequencies(old), read_frequencies(new)
