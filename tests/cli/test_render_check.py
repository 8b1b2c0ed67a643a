from __future__ import annotations

from freshset.cli.render_check import check_text
from freshset.core.issues import Issue
from freshset.engine.check import CheckedTestSet, CheckReport
from freshset.engine.probe import Probe


def report(*issues: Issue) -> CheckReport:
    testsets = (CheckedTestSet("t", 1200, 10, "image", 1200), CheckedTestSet("q", 5, 0, "text", 5))
    return CheckReport(testsets, 2, 3, (Probe("m", "t", 200, 150, 0.1),), issues)


def test_what_was_looked_at() -> None:
    lines = check_text(report(), 10).splitlines()
    assert lines[2].split() == ["t", "1,200", "1,200", "10", "150", "of", "200", "(75.0", "%)", "m"]
    assert lines[3].split() == ["q", "5", "5", "-", "-", "-"]
    assert lines[-1] == "2 models, 3 cells that fit: 0 faults, 0 warnings, 0 notes."


def test_many_issues_of_a_kind_are_cut() -> None:
    faults = [Issue("decode", "fault", "t", (), f"row {i}") for i in range(25)]
    notes = [Issue("reading", "note", str(i), (), "x") for i in range(12)]
    text = check_text(report(*faults, *notes), 10)
    assert text.count("FAULT   decode: t: row ") == 20
    assert "... and 5 more of decode on t; --json has them all." in text
    assert text.count("note    reading: ") == 10
    assert "... and 2 more notes; --json has them all." in text
    assert "25 faults, 0 warnings, 12 notes." in text
