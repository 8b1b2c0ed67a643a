from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.label_studio import read


def annotation(choice: str = "yes", **more: Any) -> dict[str, Any]:
    result = [{"type": "choices", "from_name": "a", "to_name": "i", "value": {"choices": [choice]}}]
    return {"id": 9, "completed_by": 1, "was_cancelled": False, "result": result} | more


def written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_an_export(tmp_path: Path) -> None:
    document = [
        {
            "id": 1,
            "data": {"image": "https://host/a%20b.jpg?sig=1", "class": "cat"},
            "annotations": [
                annotation("yes", created_at="2026-01-31T00:00:00Z"),
                annotation("no", completed_by={"id": 2, "email": "b@c.de"}),
                annotation(was_cancelled=True),
                annotation(ground_truth=True),
            ],
        },
        {"id": 2, "data": {"token": "t", "task_id": "T"}, "annotations": [annotation("dog")]},
        {"id": 3, "data": {"item_id": "x"}, "annotations": []},
    ]
    records = read(written(tmp_path / "a.json", document))
    rows = records.rows
    assert rows["item"].tolist() == ["a b.jpg", "a b.jpg", "t"]
    assert rows["worker"].tolist() == ["1", "b@c.de", "1"]
    assert rows["class_key"].tolist() == ["cat", "cat", ""]
    assert rows["selected"].tolist()[:2] == [1, 0]
    assert rows["chosen"].tolist() == ["", "", "dog"]
    assert rows["submitted_at"].tolist()[0] == "2026-01-31T00:00:00Z"
    assert rows["task_id"].tolist()[2] == "T"
    assert records.skipped == {"cancelled": 1, "ground truth": 1}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"a": 1}, "not a list of tasks"),
        ([1], "not a list of tasks"),
        ([{"image": "x"}], "task 0: no data"),
        ([{"data": {"image": "x"}, "annotations": []}], "no annotations"),
        (
            [{"data": {"image": "x"}, "annotations": [annotation(completed_by=None)]}],
            "without completed_by",
        ),
        ([{"data": {"image": "x"}, "annotations": [annotation(result=[])]}], "with 0 choices"),
        ([{"data": {}, "annotations": [annotation()]}], "row 0: no item"),
    ],
)
def test_bad_exports(tmp_path: Path, document: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(written(tmp_path / "a.json", document))


def test_an_export_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"data": {"image"', encoding="utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        read(path)
