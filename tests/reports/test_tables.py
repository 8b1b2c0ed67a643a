from __future__ import annotations

import pytest

from freshset.reports.study import MissingResult
from freshset.reports.table import ABSENT
from freshset.reports.tables import BEYOND, all_tables, gap, missing_results, scores, summary


def column(table, name):
    """Values of one raw field, in row order."""
    for i, col in enumerate(table.columns):
        if name in col.fields:
            return [row[i].values[col.fields.index(name)] for row in table.rows]
    raise AssertionError(name)


def test_every_model_with_its_numbers(comparison):
    table = scores(comparison)
    assert column(table, "model") == [row.model for row in comparison.models]
    assert column(table, "old_accuracy_fraction") == [r.old.accuracy for r in comparison.models]
    assert column(table, "new_accuracy_low_fraction") == [r.new.low for r in comparison.models]
    assert column(table, "drop_high_points") == [r.drop.high for r in comparison.models]
    assert column(table, "rank_change") == [r.rank.old - r.rank.new for r in comparison.models]
    first = table.rows[0][2]
    row = comparison.models[0]
    assert first.text == f"{100 * row.old.accuracy:.2f}"
    assert first.interval == f"[{100 * row.old.low:.2f}, {100 * row.old.high:.2f}]"


def test_marks_of_ties_and_of_changes_beyond_noise(comparison):
    table = scores(comparison)
    for row, cells in zip(comparison.models, table.rows, strict=True):
        assert (cells[0].mark == "=") == row.rank.tied_old
        assert (cells[5].mark == "=") == row.rank.tied_new
        assert (cells[6].mark == BEYOND) == row.rank.beyond_noise


def test_rows_match_their_columns(comparison, perfect):
    for table in (*all_tables(comparison), *all_tables(perfect)):
        for row in table.rows:
            assert [len(cell.values) for cell in row] == [len(c.fields) for c in table.columns]


def test_summary_holds_the_study(comparison):
    rows = {(cells[0].text, cells[1].text): cells[2] for cells in summary(comparison).rows}
    slope = comparison.fits["probit"].slope
    assert rows["Slope", "probit"].values == (slope.value, slope.low, slope.high)
    assert rows["Models", "count"].text == "25"
    assert rows["Mean drop", "points"].values[0] == comparison.drop.mean.value
    assert rows["R²", "logit"].values[0] == comparison.fits["logit"].r2
    assert rows["Rank changes beyond noise", "models"].values[0] == (
        comparison.ranks.changed_beyond_noise
    )


def test_summary_without_a_line(make_comparison):
    names = [row[0].text for row in summary(make_comparison(2)).rows]
    assert "Slope" not in names
    assert "Largest drop" in names


def test_gap_gives_no_number_to_what_is_not_identified(comparison):
    rows = {cells[0].text: cells for cells in gap(comparison).rows}
    assert rows["Adaptivity"][1].text == "no"
    assert rows["Adaptivity"][2].text == ABSENT
    assert rows["Adaptivity"][2].values == (None, None, None)
    assert rows["Total"][2].values[0] == pytest.approx(comparison.drop.mean.value)


def test_missing_results_say_why():
    table = missing_results([MissingResult("m", "t/new", "predict: out of memory")])
    assert [column(table, name) for name in ("model", "testset", "reason")] == [
        ["m"], ["t/new"], ["predict: out of memory"]
    ]  # fmt: skip
