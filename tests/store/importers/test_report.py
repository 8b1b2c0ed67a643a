from __future__ import annotations

import json

from freshset.store.importers import ImportReport


def test_report_is_plain_json() -> None:
    report = ImportReport(testsets=["a"], warnings=["b"])
    data = json.loads(json.dumps(report.to_dict()))
    assert data["schema"] == "freshset.import/1"
    assert data["testsets"] == ["a"]
    assert data["written"] == []
