from __future__ import annotations

from freshset.core.issues import Issue, at_least


def test_at_least_keeps_what_is_as_bad_or_worse() -> None:
    issues = [Issue("c", severity, "t", ("m",), "x") for severity in ("note", "fault", "warning")]
    assert [i.severity for i in at_least(issues, "fault")] == ["fault"]
    assert [i.severity for i in at_least(issues, "warning")] == ["fault", "warning"]
    assert len(at_least(issues, "note")) == 3
    assert issues[0].to_dict()["models"] == ["m"]
