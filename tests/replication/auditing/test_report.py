from __future__ import annotations

import json

from freshset.core.issues import Issue
from freshset.replication.auditing.report import AuditReport, Group, Overlap


def test_a_group_is_of_one_class_when_two_of_its_images_are() -> None:
    assert Group(("a", "b", "c"), ("x", "y", "x")).same_class
    assert not Group(("a", "b"), ("x", "y")).same_class


def test_the_document_is_json_and_issues_are_chosen_by_severity() -> None:
    issues = (Issue("repeated", "fault", "s", (), "f"), Issue("overlap", "note", "s", (), "n"))
    report = AuditReport((), (Overlap("s", "t", 3),), 5, issues)
    assert report.at_least("warning") == issues[:1]
    document = json.loads(json.dumps(report.to_dict()))
    assert document["schema"] == "freshset.audit/1"
    assert document["overlaps"] == [{"a": "s", "b": "t", "shared": 3}]
    assert document["union"] == 5
