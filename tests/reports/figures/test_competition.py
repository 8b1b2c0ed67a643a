from __future__ import annotations

import numpy as np

from freshset.protocols.competition.audit import CompetitionAudit, audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.reports.figures.base import to_svg
from freshset.reports.figures.competition import competition, p_values
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


def test_p_values_as_they_are_distributed(audit: CompetitionAudit) -> None:
    figure = p_values(audit)
    rows = [tuple(cell.values[0] for cell in row) for row in figure.data.rows]
    assert [p for p, _ in rows] == sorted(row.p for row in audit.rows)
    assert rows[-1][1] == 1.0
    # The distance that the text names is that of the curve from the diagonal, on either side of a step.
    steps = [max(abs(share - p), abs(share - 1 / 40 - p)) for p, share in rows]
    assert f"{max(steps):.2f}." in figure.alt
    svg = to_svg(figure)
    assert "by chance, if uniform" in svg
    assert svg == to_svg(figure)
