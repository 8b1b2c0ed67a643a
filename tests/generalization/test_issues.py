from __future__ import annotations

import json

from freshset.core.issues import Issue
from freshset.generalization.issues import LintReport


def test_severities_are_ordered() -> None:
    issues = tuple(Issue("c", s, "t", ("m",), "text") for s in ("fault", "warning", "note"))
    report = LintReport(1, 1, issues)
    assert [len(report.at_least(s)) for s in ("fault", "warning", "note")] == [1, 2, 3]
    data = json.loads(json.dumps(report.to_dict()))
    assert data["schema"] == "freshset.lint/1"
    assert data["issues"][0]["models"] == ["m"]
