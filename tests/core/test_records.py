from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.core.identity import CellSpec
from freshset.core.records import Cell, Matrix, Source, TestSet, label_ranks


def a_testset(**changes: object) -> TestSet:
    base = TestSet(
        "mine/test",
        3,
        4,
        item_ids=np.array(["a", "b", "c"], dtype=object),
        labels=np.array([0, 3, 1], dtype=np.int32),
        ids_given=True,
    )
    return replace(base, **changes)


def test_fingerprint_changes_with_what_can_change_a_score() -> None:
    base = a_testset().fingerprint
    assert a_testset(labels=np.array([0, 3, 2], dtype=np.int32)).fingerprint != base
    assert a_testset(item_ids=np.array(["a", "c", "b"], dtype=object)).fingerprint != base
    assert a_testset(n_classes=5).fingerprint != base
    # The name, the class names and where ids came from change no number.
    same = a_testset(id="other", class_names=("w", "x", "y", "z"), ids_given=False)
    assert same.fingerprint == base


def test_duplicate_ids_and_stray_labels_are_named() -> None:
    with pytest.raises(DataError, match=r"here: row 2: the id 'a' occurs twice"):
        a_testset(item_ids=np.array(["a", "b", "a"], dtype=object)).check("here")
    with pytest.raises(DataError, match=r"row 1: label 3 is outside the class space 0\.\.2"):
        a_testset(n_classes=3).check("here")
    with pytest.raises(DataError, match="row 0: label -1"):
        a_testset(labels=np.array([-1, 0, 0], dtype=np.int32)).check("here")


def test_counts_only_sets_have_no_items() -> None:
    testset = TestSet("x", 100)
    assert not testset.has_items
    with pytest.raises(DataError, match="items are not known"):
        _ = testset.ids
    with pytest.raises(DataError, match="labels are not known"):
        _ = testset.known_labels


SPEC = CellSpec("m", "mine/test", "f" * 64, "c" * 64)

# What a cell says of itself and its identity does not depend on.
CHANGES_NOTHING = {
    "kind",
    "n",
    "k",
    "correct",
    "approximate",
    "source",
    "replaces",
    "bytes",
    "sha256",
    "values",
    "runtime",
    "scores_sha256",
}


def test_every_field_is_classified() -> None:
    assert {f.name for f in fields(Cell)} - {"spec"} == CHANGES_NOTHING


def test_cells_survive_json() -> None:
    cell = Cell(SPEC, "examples", 3, 1, {"top1": 2.0}, source=Source("x", "f.npy"), replaces=("a",))
    assert Cell.from_dict(cell.to_dict()) == cell


def test_label_ranks() -> None:
    topk = np.array([[1, 2, 3], [2, 1, 3], [3, 2, 0]], dtype=np.int32)
    labels = np.array([1, 1, 1], dtype=np.int32)
    assert label_ranks(topk, labels).tolist() == [1, 2, 0]


def test_metrics_of_a_matrix() -> None:
    matrix = Matrix("t", ("m",), np.array([[1, 2, 5, 6, 0]], dtype=np.int16), (6,))
    assert matrix.correct("top1").tolist() == [[True, False, False, False, False]]
    assert matrix.correct("top5").tolist() == [[True, True, True, False, False]]
