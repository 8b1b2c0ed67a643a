from __future__ import annotations

from freshset.reports.comparison import OUTCOMES, comparison_section
from freshset.reports.tables import all_tables


def test_every_outcome_has_a_word():
    assert set(OUTCOMES) == {"survived", "dropped", "rose", "undecided"}


def test_a_comparison_as_a_section(study):
    section = comparison_section(study)
    assert (section.kind, section.title, section.slug) == ("comparison", "A study", "a-study")
    assert section.findings == study.comparison.findings
    assert section.document["schema"] == "freshset.comparison/1"
    assert [table.name for table in section.tables] == [
        table.name for table in all_tables(study.comparison)
    ]
    assert [tile.name for tile in section.glance] == [
        "Old", "New", "Models", "Mean drop, points", "Verdict",
    ]  # fmt: skip
    assert section.glance[2].text == "25"
    assert section.glance[-1].text in OUTCOMES.values()
    assert [figure.name for figure in section.figures][:3] == [
        "scatter-linear", "scatter-probit", "drops",
    ]  # fmt: skip


def test_selection_frequencies_have_their_part(judged, study):
    from freshset.reports.study import Study

    section = comparison_section(Study("J", "j", judged))
    assert "selection" in [table.name for table in section.tables]
    assert "At equal selection frequency" in section.body
    assert "At equal selection frequency" not in comparison_section(study).body
