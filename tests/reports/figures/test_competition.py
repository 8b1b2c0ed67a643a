from __future__ import annotations

import numpy as np

from freshset.protocols.competition.audit import CompetitionAudit, audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.reports.figures.base import to_svg
from freshset.reports.figures.competition import competition
from freshset.reports.svg import inline


def test_every_submission_can_be_pointed_at(audit: CompetitionAudit) -> None:
    figure = competition(audit)
    assert [len(marks.titles) for marks in figure.marks] == [36, 4]
    page = inline(figure, "c")
    assert page.count("<title>") == 40
    assert "team&lt;/b&gt; 7\npublic" in page
    assert len(figure.data.rows) == 40
    assert "above the private one on average" in figure.alt


def test_lines_and_bytes(audit: CompetitionAudit) -> None:
    svg = to_svg(competition(audit))
    for word in ("y = x", "all, slope", "top tenth, slope", "Private score (%)"):
        assert word in svg
    assert svg == to_svg(competition(audit))


def test_submissions_without_a_line() -> None:
    nobody = np.array(["", ""], dtype=object)
    s = Submissions(np.array([0.5, 0.5]), np.array([0.6, 0.4]), nobody, nobody)
    figure = competition(audit_competition(s, 10, 10, rng=np.random.default_rng(0)))
    assert "slope" not in to_svg(figure)
