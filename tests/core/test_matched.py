from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.core.matched import matched
from freshset.core.records import TestSet


def frequencies(rows: list[tuple[str, str, float, float]]) -> Frequencies:
    ids, keys, selected, answers = zip(*rows, strict=True)
    return Frequencies(
        np.array(ids, dtype=object),
        np.array(keys, dtype=object),
        np.array(selected, dtype=float),
        np.array(answers, dtype=float),
    )


def items(ids: list[str], labels: list[int], keys: tuple[str, ...] = ("cat", "dog")) -> TestSet:
    return TestSet(
        "pets/new", len(ids), 2, item_ids=np.array(ids, dtype=object),
        labels=np.array(labels, dtype=np.int32), ids_given=True, class_names=keys,
    )  # fmt: skip


KNOWN = frequencies(
    [("a", "cat", 7, 10), ("a", "dog", 1, 10), ("b", "dog", 0, 0), ("c.d", "dog", 3, 4)]
)


def test_items_are_found_by_id_and_class_in_the_order_of_the_set() -> None:
    found = matched(KNOWN, items(["c.d", "a", "b"], [1, 0, 1]))
    assert found.item_ids.tolist() == ["c.d", "a", "b"]
    assert found.selected.tolist() == [3, 7, 0]
    assert found.answers.tolist() == [4, 10, 0]


def test_the_class_counts() -> None:
    assert matched(KNOWN, items(["a"], [1])).selected.tolist() == [1]


def test_files_in_folders_are_found_by_their_names() -> None:
    found = matched(KNOWN, items(["cat/a.jpg", "dog/c.d.png", "dog/x.jpg"], [0, 1, 1]))
    assert found.answers.tolist() == [10, 4, 0]
    assert np.isnan(found.value[2])


def test_keys_go_before_names() -> None:
    named = TestSet(
        "pets/new", 1, 1, item_ids=np.array(["a"], dtype=object), labels=np.zeros(1, np.int32),
        class_names=("Cat",), class_keys=("cat",),
    )  # fmt: skip
    assert matched(KNOWN, named).selected.tolist() == [7]


def test_a_class_may_go_by_its_name_or_its_number() -> None:
    by_name = frequencies([("a", "Cat", 7, 10), ("b", "1", 2, 10)])
    named = TestSet(
        "pets/new", 2, 2, item_ids=np.array(["a", "b"], dtype=object),
        labels=np.array([0, 1], np.int32), class_names=("Cat", "Dog"), class_keys=("cat", "dog"),
    )  # fmt: skip
    assert matched(by_name, named).selected.tolist() == [7, 2]
    assert matched(by_name, named).class_keys.tolist() == ["cat", "dog"]
    assert matched(by_name, items(["x", "b"], [0, 1], keys=())).selected.tolist() == [0, 2]


def test_nothing_found_is_said_with_both_spellings() -> None:
    with pytest.raises(DataError, match="hold no item of pets/new") as error:
        matched(KNOWN, items(["z.jpg"], [0]))
    assert "'z.jpg'" in error.value.hint
    assert "'a'" in error.value.hint
    with pytest.raises(DataError, match="hold no item"):
        matched(KNOWN[[]], items(["a"], [0]))
