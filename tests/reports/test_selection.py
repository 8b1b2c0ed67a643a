from __future__ import annotations

from dataclasses import replace

from freshset.reports.formats import to_csv, to_latex, to_markdown
from freshset.reports.html import render_html
from freshset.reports.selection import selection_facts, selection_tables
from freshset.reports.study import Study
from freshset.reports.table import ABSENT
from freshset.reports.tables import all_tables


def test_every_estimate_with_its_numbers(judged):
    (table,) = selection_tables(judged)
    assert all_tables(judged)[-1] == table
    for row, estimate in zip(table.rows, judged.selection.estimates, strict=True):
        mean = estimate.mean
        assert row[1].values == (mean.value, mean.low, mean.high)
        assert row[2].values == (estimate.error,)
        assert row[3].values == (estimate.null,)
    assert next(row[0].text for row in table.rows) == "Raw"
    assert "8 answers an item" in table.caption
    for write in (to_csv, to_latex, to_markdown):
        assert "Beta-Binomial" in write(table)


def test_none_without_frequencies(comparison):
    assert selection_tables(comparison) == ()


def test_facts(judged):
    facts = dict(selection_facts(judged.selection))
    held = next(text for name, text in facts.items() if name.startswith("Mean frequency"))
    assert f"{100 * judged.selection.held_out.old:.1f} % old" in held
    need = next(text for name, text in facts.items() if name.startswith("Answers an item"))
    assert need.startswith(f"{judged.selection.need.naive:,} (at most")
    assert facts["Candidates behind the new set"] == "6,000"
    without = replace(judged.selection, candidates=0, null_share=float("nan"))
    facts = dict(selection_facts(without))
    assert facts["Candidates behind the new set"].startswith("not given")
    assert "Null tests with a matched gap as large" not in facts


def test_what_is_not_known_is_absent(judged):
    estimates = tuple(
        replace(e, null=float("nan"), null_sd=float("nan")) for e in judged.selection.estimates
    )
    found = replace(judged, selection=replace(judged.selection, estimates=estimates))
    (table,) = selection_tables(found)
    assert table.rows[0][3].text == ABSENT
    assert render_html([Study("t", "t", found)])


def test_the_page_shows_it(judged, study):
    page = render_html([Study("t", "t", judged)])
    assert "At equal selection frequency" in page
    assert 'id="t-selection-answers"' in page
    assert "At equal selection frequency" not in render_html([study])
