from __future__ import annotations

import numpy as np
import pytest

from freshset.protocols.competition.audit import CompetitionAudit, audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.reports.figures.base import to_svg
from freshset.reports.figures.competition import competition
from freshset.reports.svg import inline


@pytest.fixture(scope="module")
def audit() -> CompetitionAudit:
    rng = np.random.default_rng(0)
    public = rng.uniform(0.6, 0.9, 40)
    team = np.array([f"team {i}" for i in range(40)], dtype=object)
    private = public - 0.01 + rng.normal(0, 0.005, 40)
    return audit_competition(
        Submissions(public, private, team, team), 1000, 2000, rng=np.random.default_rng(0)
    )


def test_every_submission_can_be_pointed_at(audit: CompetitionAudit) -> None:
    figure = competition(audit)
    assert [len(marks.titles) for marks in figure.marks] == [36, 4]
    page = inline(figure, "c")
    assert page.count("<title>") == 40
    assert "team 7\npublic" in page
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
