from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.datasets.base import TestSetRef
from freshset.datasets.labels import (
    class_ids,
    declared_classes,
    in_declared,
    space_of,
    to_labels,
)
from freshset.datasets.options import Options

PETS = ClassSpace("pets", ("c", "d", "h"), ("cat", "dog", "horse"))


def declared(value: object, root: Path = Path()) -> ClassSpace | None:
    return declared_classes(
        Options(TestSetRef("a/b", "x", "p", {"classes": value}, root=root), ("classes",))
    )


def test_classes_are_declared_in_many_ways(tmp_path: Path) -> None:
    assert declared(None) is None
    assert declared("imagenet-1k") is known_space("imagenet-1k")
    assert declared(3) == ClassSpace("", ("0", "1", "2"))
    assert declared(["cat", "dog"]) == ClassSpace("", ("cat", "dog"))
    assert declared([["c", "cat"], ["d", "dog"]]) == ClassSpace("", ("c", "d"), ("cat", "dog"))
    assert declared({"dog": 1, "cat": 0}) == ClassSpace("", ("cat", "dog"))
    assert declared({1: "dog", 0: "cat"}) == ClassSpace("", ("cat", "dog"))
    # The forms that Keras (class_index.json) and transformers (id2label) use.
    (tmp_path / "k.json").write_text(json.dumps({"1": ["d", "dog"], "0": ["c", "cat"]}))
    assert declared("k.json", tmp_path) == ClassSpace("", ("c", "d"), ("cat", "dog"))
    (tmp_path / "l.txt").write_text("cat\ndog\n")
    assert declared("l.txt", tmp_path) == ClassSpace("", ("cat", "dog"))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (0, "0 says no classes"),
        (True, "True says no classes"),
        ([], "says no classes"),
        ({}, "says no classes"),
        ([["a", "b", "c"]], "not a key, or a key and a name"),
        ([["a", "b"], "c"], "class 1 is"),
        ({"a": 0, "b": 2}, "not 0 to 1, each once"),
        ({"a": 0, "b": 0}, "not 0 to 1, each once"),
        ({"1": "a", "x": "b"}, "not 0 to 1, each once"),
        (["a", "a"], "'a' occurs twice"),
    ],
)
def test_classes_that_are_none_are_refused(value: object, why: str) -> None:
    with pytest.raises(DataError, match=why):
        space_of(value, "here")


def test_an_unknown_space_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"a/b: classes: No class list 'imagenet1k'") as caught:
        declared("imagenet1k")
    assert "imagenet-1k" in caught.value.hint
    with pytest.raises(UsageError, match=r"there is no file .*no\.json"):
        declared("no.json")


@pytest.mark.parametrize(
    "values",
    [
        [2, 0, 1],
        [2.0, 0.0, 1.0],
        ["h", "c", "d"],
        ["horse", "cat", "dog"],
        ["2", "0", "1"],
        ["02", "00", "01"],
        ["2.0", "0.0", "1.0"],
        np.array([2, 0, 1], dtype=np.uint8),
        np.array([2, 0, 1], dtype=object),
        np.array(["h", "c", "d"], dtype=object),
    ],
)
def test_labels_in_any_spelling(values: object) -> None:
    labels, space = to_labels(np.asarray(values), PETS, "x")
    assert labels.tolist() == [2, 0, 1]
    assert labels.dtype == np.int32
    assert space is PETS


def test_without_classes_those_that_occur_are_taken() -> None:
    labels, space = to_labels(np.array([0, 3]), None, "x")
    assert (labels.tolist(), space.keys) == ([0, 3], ("0", "1", "2", "3"))
    labels, space = to_labels(np.array(["b", "a", "b"]), None, "x")
    assert (labels.tolist(), space.keys) == ([1, 0, 1], ("a", "b"))
    # Numbers that a csv file holds as texts are class ids, not keys in alphabetical order.
    labels, space = to_labels(np.array(["10", "2", "0"]), None, "x")
    assert labels.tolist() == [10, 2, 0]
    assert len(space) == 11
    labels, space = to_labels(np.array(["10.0", "2.0"]), None, "x")
    assert labels.tolist() == [10, 2]


def test_keys_that_are_numbers_win_over_class_ids() -> None:
    years = ClassSpace("", ("1998", "2012", "2"))
    assert to_labels(np.array(["2012", "2"]), years, "x")[0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([0, np.nan], "row 1: the label is nan, not a whole number"),
        ([0.5], "row 0: the label is 0.5"),
        ([np.inf], "row 0: the label is inf"),
        ([0, 1, 3], "row 2: the label 3 is outside the class ids 0 to 2"),
        ([0, -1], "row 1: the label -1 is outside"),
        (["c", "x"], "row 1: 'x' is no class of pets"),
        (["horse", "c"], "row 0: 'horse' is no class of pets"),
        (["0", "7"], "row 1: the label 7 is outside the class ids 0 to 2"),
        (np.array(["c", None], dtype=object), "row 1: no label"),
        (np.array(["c", ""], dtype=object), "row 1: no label"),
        (np.array([0, float("nan")], dtype=object), "row 1: no label"),
        (np.array([[0], [1, 2]], dtype=object), "lists of different length"),
        ([[0, 1]], r"shape \(1, 2\)"),
        (np.array([1j]), "neither ids nor texts"),
    ],
)
def test_labels_that_are_none_are_refused(values: object, why: str) -> None:
    with pytest.raises(DataError, match=rf"^here: .*{why}"):
        to_labels(np.asarray(values), PETS, "here")


def test_texts_of_which_some_are_numbers_are_in_no_order() -> None:
    with pytest.raises(DataError, match="nothing says which class '10' is") as caught:
        to_labels(np.array(["10", "b"]), None, "x")
    assert "imagenet-1k" in caught.value.hint


def test_a_name_of_two_classes_says_neither() -> None:
    cranes = ClassSpace("", ("n1", "n2", "n3"), ("crane", "crane", "wren"))
    assert class_ids(["wren"], cranes, str)[0] == {"wren": 2}
    with pytest.raises(DataError, match="'crane' is the name of 2 classes"):
        class_ids(["wren", "crane"], cranes, str)


def test_an_unknown_class_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="at hors: 'hors' is no class of pets") as caught:
        class_ids(["hors"], PETS, lambda name: f"at {name}")
    assert "'horse'" in caught.value.hint


def test_classes_of_the_data_are_found_among_those_declared() -> None:
    own = ClassSpace("", ("dog", "cat"))
    labels = np.array([0, 1, 0], dtype=np.int32)
    assert in_declared(labels, own, None, "x") == (labels, own)
    assert in_declared(labels, own, PETS, "x")[0].tolist() == [1, 0, 1]
    by_key = ClassSpace("", ("h", "c"), ("Pferd", "Katze"))
    assert in_declared(labels, by_key, PETS, "x")[0].tolist() == [2, 0, 2]
    # Other words for as many classes: the ids are taken at their word.
    other = ClassSpace("", ("Katze", "Hund", "Pferd"))
    assert in_declared(labels, other, PETS, "x")[0].tolist() == [0, 1, 0]
    with pytest.raises(DataError, match="2 classes in the data, 3 in 'classes'"):
        in_declared(labels, ClassSpace("", ("Katze", "Hund")), PETS, "x")
