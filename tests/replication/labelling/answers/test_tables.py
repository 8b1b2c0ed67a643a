from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.replication.labelling.answers.tables import read


def test_the_plain_table_of_crowds(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("task,worker,label\n007,w1,cat\n007,w2,dog\n", encoding="utf-8")
    rows = read(path).rows
    assert rows["item"].tolist() == ["007", "007"]
    assert rows["chosen"].tolist() == ["cat", "dog"]
    assert set(rows["task_id"]) == {""}


def test_all_columns_by_any_of_their_names(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame(
        {"Worker_ID": ["w"], "token": ["t"], "task_id": ["T"], "Selected": [0.5], "wnid": ["n01"],
         "status": ["Approved"], "submitted_at": ["2026-01-31"], "assignment_id": ["A"], "more": [1]}
    ).to_parquet(path)  # fmt: skip
    (row,) = read(path).rows.to_dict("records")
    assert row == {
        "worker": "w", "item": "t", "class_key": "n01", "task_id": "T", "chosen": "",
        "selected": 0.5, "status": "Approved", "accepted_at": "", "submitted_at": "2026-01-31",
        "assignment_id": "A",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("worker,label\nw,1\n", "no column for the item"),
        ("task,label\nt,1\n", "no column for the worker"),
        ("task,worker\nt,w\n", "no column for the answer"),
        ("task,worker,label\n", "no answers"),
        ("task,worker,label\nt,w,1\nt,w\n", "row 1: 'label' is '', no answer"),
        ("task,worker,label\nt,w,1\nt,w,3\n", "row 1: 'label' is '3', no answer"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.csv")


def test_other_kinds_of_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown kind"):
        read(tmp_path / "a.xlsx")
