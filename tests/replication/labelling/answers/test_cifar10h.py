from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answer_table import record_answers
from freshset.replication.labelling.answers.cifar10h import CLASSES, read, read_counts
from freshset.replication.labelling.frequencies import pool

HEAD = "annotator_id,is_attn_check,chosen_label,cifar10_test_test_idx\n"


def test_raw_answers_without_attention_checks(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text(
        HEAD + "3,0,cat,17\n3,1,dog,-99999\n4,0,dog,17.0\n4,0.0,cat,9\n", encoding="utf-8"
    )
    records = read(path)
    assert records.rows["item"].tolist() == ["17", "17", "9"]
    assert records.rows["chosen"].tolist() == ["cat", "dog", "cat"]
    assert records.skipped == {"attention check": 1}
    # A choice of one class is a no to the others.
    got = pool(record_answers(records))
    asked = zip(got.item_ids, got.class_keys, got.selected, got.answers, strict=True)
    assert set(asked) == {
        ("17", "cat", 1, 2),
        ("17", "dog", 1, 2),
        ("9", "cat", 1, 1),
        ("9", "dog", 0, 1),
    }


def test_counts(tmp_path: Path) -> None:
    counts = np.zeros((2, 10), dtype=int)
    counts[0, 3], counts[0, 5], counts[1, 0] = 40, 11, 47
    np.save(tmp_path / "c.npy", counts)
    got = read_counts(tmp_path / "c.npy")
    assert len(got) == 20
    assert got.class_keys[3] == CLASSES[3] == "cat"
    assert (got.item_ids[3], got.selected[3], got.answers[3]) == ("0", 40, 51)
    assert got.value[10] == 1


@pytest.mark.parametrize(
    "array", [np.ones((2, 9)), np.ones(10), np.full((2, 10), 0.1), np.full((2, 10), -1)]
)
def test_what_are_no_counts(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "c.npy", array)
    with pytest.raises(DataError, match=r"not one row an image|no counts"):
        read_counts(tmp_path / "c.npy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.replace("chosen_label", "x") + "3,0,cat,17\n", "no column 'chosen_label'"),
        (HEAD + "3,0,cat,17\n3,,cat,17\n", "row 1: is_attn_check is ''"),
        (HEAD + ",0,cat,17\n", "row 0: no worker"),
        (HEAD + "3,1,cat,17\n", "no answers"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "raw.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(tmp_path / "raw.csv")
