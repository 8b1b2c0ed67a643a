"""The tables of a report: scores of the models, summary of the study, and the gap."""

from __future__ import annotations

from collections.abc import Sequence

from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, GapTerm, ModelRow, Score
from freshset.reports.selection import selection_tables
from freshset.reports.study import MissingResult
from freshset.reports.table import (
    ABSENT,
    MINUS,
    Cell,
    Column,
    Table,
    Value,
    estimate_cell,
    number,
    text_cell,
)
from freshset.stats.types import Estimate

TIED = "="
BEYOND = "*"


def all_tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return every table of a comparison, in the order of the report."""
    return (
        scores(comparison),
        summary(comparison),
        gap(comparison),
        *selection_tables(comparison),
    )


def scores(comparison: Comparison) -> Table:
    """Return table 1 of the paper's form: every model on both sets, best on the old set first."""
    level = f"{100 * comparison.settings.level:g} %"
    caption = (
        f"Accuracy of each model on {testset_title(comparison.old)} (old) and "
        f"{testset_title(comparison.new)} (new), with {level} intervals in brackets. Drop is old "
        "minus new. Rank change is old rank minus new rank: positive means that the model moved "
        f"up. {TIED} marks a rank that several models share, {BEYOND} a rank change beyond noise "
        "(its interval excludes 0)."
    )
    columns = (
        Column("Old rank", ("old_rank", "old_rank_tied")),
        Column("Model", ("model",), "left"),
        Column("Old accuracy", _score_fields("old"), unit="%"),
        Column("New accuracy", _score_fields("new"), unit="%"),
        Column("Drop", ("drop_points", "drop_low_points", "drop_high_points"), unit="points"),
        Column("New rank", ("new_rank", "new_rank_tied")),
        Column("Rank change", (*_with_ends("rank_change"), "beyond_noise")),
    )
    return Table("scores", caption, columns, tuple(_score_row(row) for row in comparison.models))


def _with_ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


def _score_fields(side: str) -> tuple[str, ...]:
    parts = ("accuracy_fraction", "accuracy_low_fraction", "accuracy_high_fraction", "correct", "n")
    return tuple(f"{side}_{part}" for part in parts)


def _score_row(row: ModelRow) -> tuple[Cell, ...]:
    rank = row.rank
    moved = Estimate(rank.change, rank.low, rank.high)
    change = estimate_cell(moved, 0, signed=True)
    beyond = BEYOND if rank.beyond_noise else ""
    values = (rank.change, rank.low, rank.high, rank.beyond_noise)
    return (
        _rank_cell(rank.old, tied=rank.tied_old),
        text_cell(row.model),
        _score_cell(row.old),
        _score_cell(row.new),
        estimate_cell(row.drop, 2),
        _rank_cell(rank.new, tied=rank.tied_new),
        Cell(values, change.text, change.interval, beyond),
    )


def _rank_cell(rank: int, *, tied: bool) -> Cell:
    return Cell((rank, tied), f"{rank:,}", mark=TIED if tied else "")


def _score_cell(score: Score) -> Cell:
    percent = Estimate(100 * score.accuracy, 100 * score.low, 100 * score.high)
    shown = estimate_cell(percent, 2)
    return Cell(
        (score.accuracy, score.low, score.high, score.correct, score.n), shown.text, shown.interval
    )


def missing_results(missing: Sequence[MissingResult]) -> Table:
    """Return what was asked for and is not there, and why."""
    caption = (
        "Results that were asked for and are not there. A model that lacks one of the two test sets "
        "is in no number, table or figure of this study."
    )
    columns = (
        Column("Model", ("model",), "left"),
        Column("Test set", ("testset",), "left"),
        Column("Why", ("reason",), "left"),
    )
    rows = tuple(tuple(map(text_cell, (m.model, m.testset, m.reason))) for m in missing)
    return Table("missing-results", caption, columns, rows)


def summary(comparison: Comparison) -> Table:
    """Return the lines on every scale, the drops, and the agreement of the two orders."""
    caption = (
        "The study in numbers. Lines are least squares of new on old accuracy; the intercept of "
        "the linear scale is in percentage points, those of the other scales are in their own "
        f"units. Intervals are {100 * comparison.settings.level:g} %."
    )
    columns = (
        Column("Quantity", ("quantity",), "left"),
        Column("Scale or unit", ("unit",), "left"),
        Column("Value", ("value", "low", "high")),
    )
    rows = [_quantity("Models", "count", len(comparison.models), 0)]
    rows += _drop_rows(comparison)
    for scale, fit in comparison.fits.items():
        unit = "linear, points" if scale == "linear" else scale
        digits = 2 if scale == "linear" else 3
        rows += [
            _estimated("Slope", scale, fit.slope, 3),
            _estimated("Intercept", unit, fit.intercept, digits),
            _quantity("R²", scale, fit.r2, 4),
            _quantity("Theil-Sen slope", scale, fit.theil_sen_slope, 3),
        ]
    ranks = comparison.ranks
    rows += [
        _quantity("Spearman correlation of ranks", f"{MINUS}1 to 1", ranks.spearman, 4),
        _quantity("Kendall correlation of ranks", f"{MINUS}1 to 1", ranks.kendall, 4),
        _quantity("Rank changes", "models", ranks.changed, 0),
        _quantity("Rank changes beyond noise", "models", ranks.changed_beyond_noise, 0),
    ]
    return Table("summary", caption, columns, tuple(rows))


def _drop_rows(comparison: Comparison) -> list[tuple[Cell, ...]]:
    drop = comparison.drop
    return [
        _estimated("Mean drop", "points", drop.mean, 2),
        _quantity("Median drop", "points", drop.median, 2),
        _quantity("Smallest drop", "points", drop.min, 2),
        _quantity("Largest drop", "points", drop.max, 2),
    ]


def _estimated(name: str, unit: str, estimate: Estimate, digits: int) -> tuple[Cell, ...]:
    return (text_cell(name), text_cell(unit), estimate_cell(estimate, digits))


def _quantity(name: str, unit: str, value: float, digits: int) -> tuple[Cell, ...]:
    text = number(value, digits)
    values: tuple[Value, ...] = (None if text == ABSENT else value, None, None)
    return (text_cell(name), text_cell(unit), Cell(values, text))


def gap(comparison: Comparison) -> Table:
    """Return the mean drop taken apart, with what is and what is not identified."""
    parts = comparison.gap
    caption = (
        "The mean drop taken apart: adaptivity + distribution + generalization = total. A term "
        "that is not identified has no number."
    )
    columns = (
        Column("Term", ("term",), "left"),
        Column("Identified", ("identified",), "left"),
        Column("Value", ("value_points", "low_points", "high_points"), unit="points"),
        Column("What is known", ("note",), "left"),
    )
    total = (
        text_cell("Total"),
        Cell((True,), "yes"),
        estimate_cell(parts.total, 2),
        text_cell("The mean drop over these models."),
    )
    rows = (
        _gap_row("Adaptivity", parts.adaptivity),
        _gap_row("Distribution", parts.distribution),
        _gap_row("Generalization", parts.generalization),
        total,
    )
    return Table("gap", caption, columns, rows)


def _gap_row(name: str, term: GapTerm) -> tuple[Cell, ...]:
    value = Cell((None, None, None), ABSENT)
    if term.value is not None:
        value = estimate_cell(term.value, 2)
    return (
        text_cell(name),
        Cell((term.identified,), "yes" if term.identified else "no"),
        value,
        text_cell(term.note),
    )
