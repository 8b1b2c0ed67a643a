"""The table of gaps at equal true selection frequency."""

from __future__ import annotations

from math import isfinite

from freshset.generalization.comparison import Comparison
from freshset.generalization.selection import ESTIMATOR_NAMES, GapEstimate, Selection
from freshset.reports.table import (
    Cell,
    Column,
    Table,
    estimate_cell,
    finite,
    number,
    text_cell,
)


def selection_tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return the table of gaps, and none without selection frequencies."""
    if comparison.selection is None:
        return ()
    return (estimates(comparison, comparison.selection),)


def estimates(comparison: Comparison, selection: Selection) -> Table:
    """Return the mean gap by each estimator, with what it shows where the true gap is 0."""
    level = f"{100 * comparison.settings.level:g} %"
    caption = (
        "Mean change over the models, old minus new, raw and at equal selection frequency, from "
        f"{selection.answers:,} answers an item, with {level} intervals in brackets. The null test "
        "runs the same estimator on images of the old set alone, where the true gap is 0."
    )
    columns = (
        Column("Estimate", ("estimator",), "left"),
        Column("Mean gap", ("gap_points", "gap_low_points", "gap_high_points"), unit="points"),
        Column("Standard error", ("standard_error_points",), unit="points"),
        Column("Null test", ("null_points",), unit="points"),
        Column("Its spread", ("null_sd_points",), unit="points"),
    )
    return Table("selection", caption, columns, tuple(_row(e) for e in selection.estimates))


def _row(estimate: GapEstimate) -> tuple[Cell, ...]:
    return (
        text_cell(ESTIMATOR_NAMES[estimate.estimator]),
        estimate_cell(estimate.mean, 2),
        *(_plain(x) for x in (estimate.error, estimate.null, estimate.null_sd)),
    )


def _plain(value: float) -> Cell:
    return Cell((finite(value),), number(value, 2))


def selection_facts(selection: Selection) -> tuple[tuple[str, str], ...]:
    """Return what goes with the table, as names and values."""
    held, need = selection.held_out, selection.need
    old, new, drop = (number(100 * x, 1) for x in (held.old, held.new, held.drop.value))
    tolerance = f"{number(need.tolerance, 2)} points"
    facts = [
        (
            f"Mean frequency in answers held out, matched on {held.matched_on} of {held.answers}",
            (f"{old} % old, {new} % new: {drop} points lower "
            f"(standard error {number(100 * held.error, 1)})"),
        ),
        (
            f"Answers an item for the matched gap to be within {tolerance} of its limit",
            (f"{need.naive:,} (at most {need.naive_most:,} going by noise); jackknifed "
            f"{need.jackknife:,}"),
        ),
        ("R² of the matched gap on 1/answers", number(selection.by_answers.r2, 3)),
        ("Old set without a counterpart", f"{number(100 * selection.missing, 2)} %"),
        (
            "Items with enough answers",
            f"{selection.old_items:,} old, {selection.new_items:,} new",
        ),
        ("Candidates behind the new set", f"{selection.candidates:,}" if selection.candidates else
         "not given: its answers are taken to have had no part in the selection"),
    ]  # fmt: skip
    if isfinite(selection.null_share):
        share = f"{selection.null_share:.2f}"
        facts.append(("Null tests with a matched gap as large", share))
    return tuple(facts)
