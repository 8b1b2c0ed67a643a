from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.core.records import TestSet
from freshset.engine.retarget import Retarget, retarget

IDS = np.array([f"i{k}" for k in range(6)], dtype=object)
ITEMS = TestSet(
    "mine/test",
    6,
    3,
    item_ids=IDS,
    labels=np.array([0, 1, 2, 0, 1, 2], dtype=np.int32),
    ids_given=True,
    class_names=("cat", "dog", "owl"),
)


def test_labels_by_id_in_any_order_and_by_name(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = [
        f"i{k},{name}" for k, name in zip((5, 4, 3, 2, 1, 0), ["cat"] * 5 + ["owl"], strict=True)
    ]
    path.write_text("\n".join(["item_id,label", *rows]), encoding="utf-8")
    made = retarget(ITEMS, "mine/clean", Retarget(labels=path))
    assert made.testset.id == "mine/clean"
    assert made.testset.known_labels.tolist() == [2, 0, 0, 0, 0, 0]
    assert made.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert made.mapping is None


def test_accepted_classes_leave_out_items_without_any(tmp_path: Path) -> None:
    path = tmp_path / "real.json"
    sets = {"i0": [0, 1], "i1": [], "i2": [2], "i3": ["cat"], "i4": [], "i5": [1]}
    path.write_text(json.dumps(sets), encoding="utf-8")
    made = retarget(ITEMS, "mine/real", Retarget(accept=path))
    assert made.rows.tolist() == [0, 2, 3, 5]
    assert made.testset.accepted is not None
    assert made.testset.accepted.classes.tolist() == [0, 1, 2, 0, 1]


def test_fewer_classes(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("dog\ncat\n", encoding="utf-8")
    made = retarget(ITEMS, "mine/pets", Retarget(classes=str(path)))
    assert made.rows.tolist() == [0, 1, 3, 4]
    assert made.testset.known_labels.tolist() == [1, 0, 1, 0]
    assert made.mapping is not None
    assert made.mapping.needs == "scores"


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing is to change"):
        retarget(ITEMS, "mine/x", Retarget())
    with pytest.raises(UsageError, match="no such file"):
        retarget(ITEMS, "mine/x", Retarget(labels=tmp_path / "none.csv"))
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"i0": 0, "j9": 1}), encoding="utf-8")
    with pytest.raises(DataError, match="1 ids are not in mine/test .first 'j9'"):
        retarget(ITEMS, "mine/x", Retarget(labels=path))
    path.write_text(json.dumps({"i0": 7}), encoding="utf-8")
    with pytest.raises(DataError, match="7"):
        retarget(ITEMS, "mine/x", Retarget(labels=path))
    path.write_text(json.dumps({"i0": 1}), encoding="utf-8")
    with pytest.raises(DataError, match="5 items have no new label"):
        retarget(ITEMS, "mine/x", Retarget(labels=path))
