from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import UsageError
from freshset.protocols.competition.audit import audit_competition
from freshset.protocols.competition.table import Submissions
from freshset.reports.findings_page import (
    FindingsPage,
    competition_page,
    render_findings,
    write_findings,
)


@pytest.fixture(scope="module")
def page() -> FindingsPage:
    rng = np.random.default_rng(0)
    public = rng.uniform(0.6, 0.9, 30)
    team = np.array([f"<b>team</b> {i}" for i in range(30)], dtype=object)
    submissions = Submissions(public, public - 0.01, team, team, 2)
    audit = audit_competition(submissions, 1000, 2000, rng=np.random.default_rng(0))
    return competition_page(audit)


def test_the_page_stands_alone_and_escapes(page: FindingsPage) -> None:
    text = render_findings(page)
    assert text == render_findings(page)
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "<b>team</b>" not in text
    assert "&lt;b&gt;team&lt;/b&gt; 7" in text
    assert "adaptivity is identified" in text
    assert "2 rows without both scores" in text
    start = text.index("<svg")
    ET.fromstring(text[start : text.index("</svg>") + 6])
    assert text.count("<tr>") == 31


def test_the_folder(page: FindingsPage, tmp_path: Path) -> None:
    assert write_findings(page, tmp_path / "r") == tmp_path / "r" / "index.html"
    names = {p.relative_to(tmp_path / "r").as_posix() for p in (tmp_path / "r").rglob("*.*")}
    assert names == {
        "index.html", "competition.json", "tables/competition-submissions.csv",
        "figures/competition-competition.svg", "figures/competition-competition.png",
        "figures/competition-competition.csv",
    }  # fmt: skip
    data = json.loads((tmp_path / "r" / "competition.json").read_text(encoding="utf-8"))
    assert data["schema"] == "freshset.competition/1"
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write the report"):
        write_findings(page, tmp_path / "file")
