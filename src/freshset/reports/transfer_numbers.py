"""Tables of transfer studies: correlations, gains, rankings, convergence and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from freshset.reports.table import (
    ABSENT,
    Cell,
    Column,
    Table,
    estimate_cell,
    finite,
    number,
    text_cell,
)
from freshset.reports.transfer_tables import caption, level
from freshset.transfer.analysis.convergence import Convergence
from freshset.transfer.analysis.findings import SCORE_TITLES
from freshset.transfer.analysis.regimes import RegimeAnalysis
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.tables import REGIME_TITLES

_OVER = {"both": "models and data sets", "models": "models", "datasets": "data sets"}


def number_tables(analysis: TransferAnalysis) -> tuple[Table, ...]:
    """Return the tables that the analysis has the numbers for, in the order of the report."""
    tables = [correlations(analysis)]
    if analysis.gains:
        tables.append(gains(analysis))
    if analysis.rankings:
        tables.append(rankings(analysis))
    if analysis.convergence is not None:
        tables.append(convergence(analysis, analysis.convergence))
    if any(cost.seconds or cost.images for cost in analysis.costs):
        tables.append(costs(analysis))
    return tuple(tables)


def gains(analysis: TransferAnalysis) -> Table:
    """Return what fine-tuning gains, for each data set and over all."""
    titles = {d.id: d.title for d in analysis.datasets}
    columns = (
        Column("Fine-tuning less", ("over",), "left"),
        Column("Data set", ("data_set",), "left"),
        Column("Gain", ("gain_log_odds", "low_log_odds", "high_log_odds"), unit="log odds"),
        Column("Gain", ("gain_points",), unit="points"),
        Column("p", ("p",)),
    )
    rows = []
    for gain in analysis.gains:
        other = REGIME_TITLES[gain.over]
        mean = float(gain.points.mean())
        rows.append(
            (
                Cell((gain.over,), other),
                Cell(("(all)",), "all data sets"),
                estimate_cell(gain.mean.difference, 2, signed=True),
                Cell((mean,), number(mean, 1, signed=True)),
                _plain(gain.mean.p, 4),
            )
        )
        for j, (id, bar) in enumerate(zip(gain.datasets, gain.by_dataset, strict=True)):
            points = float(gain.points[:, j].mean())
            rows.append(
                (
                    Cell((gain.over,), other),
                    Cell((id,), titles[id]),
                    estimate_cell(bar, 2, signed=True),
                    Cell((points,), number(points, 1, signed=True)),
                    Cell((None,), ABSENT),
                )
            )
    text = (
        f"Mean gain of fine-tuning over the models, with {level(analysis)} intervals: over data sets "
        "(paired) for all of them, over models for one. The p-value is of the paired test over data "
        "sets."
    )
    return Table("gains", caption(analysis, text), columns, tuple(rows))


def rankings(analysis: TransferAnalysis) -> Table:
    """Return how well scores that need no training put the models in order."""
    columns = (
        Column("Score", ("score",), "left"),
        Column("Regime", ("regime",), "left"),
        Column("Data sets", ("data_sets",)),
        Column("Weighted Kendall, mean", ("tau", "tau_low", "tau_high")),
        Column("Lowest", ("tau_least",)),
        Column("Highest", ("tau_most",)),
        Column("Lost by its first choice", ("regret_points",), unit="points"),
    )
    rows = tuple(
        (
            Cell((one.score,), SCORE_TITLES.get(one.score, one.score)),
            Cell((one.regime,), REGIME_TITLES[one.regime]),
            Cell((len(one.datasets),), f"{len(one.datasets):,}"),
            estimate_cell(one.mean, 2),
            _plain(min(r.weighted.value for r in one.rankings), 2),
            _plain(max(r.weighted.value for r in one.rankings), 2),
            _plain(one.regret, 2),
        )
        for one in analysis.rankings
    )
    text = (
        "Scores that need no training against accuracy: Kendall's correlation weighted towards the top "
        f"on each data set, its mean with a {level(analysis)} interval over data sets, and the "
        "accuracy lost by taking the model that the score puts first."
    )
    return Table("rankings", caption(analysis, text), columns, rows)


def convergence(analysis: TransferAnalysis, found: Convergence) -> Table:
    """Return the steps after which training is near its best."""
    titles = {d.id: d.title for d in analysis.datasets}
    columns = (
        Column("Model", ("model",), "left"),
        Column("Data set", ("data_set",), "left"),
        Column("Regime", ("regime",), "left"),
        Column("Steps", ("steps",)),
        Column("Best score", ("best_fraction",), unit="%"),
        Column("Best at the longest", ("at_end",), "left"),
    )
    rows = tuple(
        (
            text_cell(c.model),
            Cell((c.dataset,), titles[c.dataset]),
            Cell((c.regime,), REGIME_TITLES[c.regime]),
            Cell((int(c.first),), f"{c.first:,.0f}"),
            Cell((float(c.score.max()),), number(100 * float(c.score.max()), 2)),
            Cell((c.at_end,), "yes" if c.at_end else "no"),
        )
        for c in found.curves
    )
    text = f"First training length within {found.within:g} log odds of the best one that was tried."
    return Table("convergence", caption(analysis, text), columns, rows)


def costs(analysis: TransferAnalysis) -> Table:
    """Return what each regime took."""
    columns = (
        Column("Regime", ("regime",), "left"),
        Column("Results", ("results",)),
        Column("Time", ("seconds",), unit="hours"),
        Column("Images through the network", ("images",)),
    )
    rows = tuple(
        (
            Cell((one.regime,), REGIME_TITLES[one.regime]),
            Cell((one.cells,), f"{one.cells:,}"),
            Cell((one.seconds,), number(one.seconds / 3600, 2)),
            Cell((one.images,), f"{one.images:,.0f}"),
        )
        for one in analysis.costs
    )
    text = "What the results took, as measured, with all trials of rates and decays."
    return Table("cost", caption(analysis, text), columns, rows)


def correlations(analysis: TransferAnalysis) -> Table:
    """Return correlations with source accuracy: of the mean, within families, on each data set."""
    titles = {d.id: d.title for d in analysis.datasets}
    columns = (
        Column("Regime", ("regime",), "left"),
        Column("Correlated", ("what",), "left"),
        Column("Interval over", ("over",), "left"),
        Column("Models", ("models",)),
        Column("r", ("r", "r_low", "r_high")),
        Column("r²", ("r2", "r2_low", "r2_high")),
        Column("Spearman", ("spearman",)),
    )
    rows = [row for one in analysis.regimes for row in _correlated(one, titles)]
    text = (
        f"Correlation over models of accuracy on {analysis.source} with accuracy after transfer, both in "
        f"log odds, with {level(analysis)} intervals. What an interval resamples is what it allows to "
        "differ in another study."
    )
    return Table("correlations", caption(analysis, text), columns, tuple(rows))


def _correlated(one: RegimeAnalysis, titles: Mapping[str, str]) -> Iterator[tuple[Cell, ...]]:
    relation = one.source
    head = Cell((one.regime,), REGIME_TITLES[one.regime])
    models = Cell((len(relation.models),), f"{len(relation.models):,}")
    nothing = Cell((None, None, None), ABSENT)
    found = [("mean", "mean of the data sets", c) for c in relation.overall]
    found += [(on.dataset, titles[on.dataset], on.correlation) for on in relation.by_dataset]
    for what, text, c in found:
        yield (
            head,
            Cell((what,), text),
            Cell((c.over,), _OVER[c.over]),
            models,
            estimate_cell(c.r, 2),
            estimate_cell(c.r2, 2),
            _plain(c.spearman, 2),
        )
    if isfinite(inside := relation.within_families):
        text = f"mean, within {relation.families:,} families"
        r, square = (Cell((x, None, None), number(x, 2)) for x in (inside, inside**2))
        name = Cell(("within families",), text)
        yield (head, name, text_cell(ABSENT), models, r, square, Cell((None,), ABSENT))
    if relation.why_not:
        why = text_cell(relation.why_not)
        yield (head, why, text_cell(ABSENT), models, nothing, nothing, Cell((None,), ABSENT))


def _plain(value: float, digits: int) -> Cell:
    return Cell((finite(value),), number(value, digits))
