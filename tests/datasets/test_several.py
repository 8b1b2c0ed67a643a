"""Classes of items that show several."""

from __future__ import annotations

import pytest

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.records import AcceptSets
from freshset.datasets.several import several_classes

SPACE = ClassSpace("", ("cat", "dog", "emu"))


def lists(sets: AcceptSets) -> list[list[int]]:
    return [sets[row : row + 1].classes.tolist() for row in range(len(sets))]


def test_texts_and_lists() -> None:
    found = several_classes(["dog; cat", "", ["emu"], None], None, ";", SPACE, "t")
    assert lists(found.accepted) == [[0, 1], [], [2], []]
    assert lists(found.ignored) == [[], [], [], []]
    assert found.labels.tolist() == [1, 0, 2, 0]  # the first that is named


def test_classes_that_do_not_count() -> None:
    found = several_classes(["dog", "cat"], ["emu;cat", ""], ";", None, "t")
    assert found.space.keys == ("cat", "dog", "emu")
    assert lists(found.ignored) == [[0, 2], []]


def test_class_ids() -> None:
    found = several_classes([[2, 0], 1], None, ";", SPACE, "t")
    assert lists(found.accepted) == [[0, 2], [1]]


@pytest.mark.parametrize(
    ("shown", "ignored", "said"),
    [
        (["cat|dog", "cat|cat"], None, "row 1: a class is named twice"),
        (["cat", "dog"], ["emu", "dog"], "row 1: a class is named twice"),
        ([1.5, "cat"], None, "row 0: 1.5 is neither a text nor a list of classes"),
        (["", ""], None, "no item shows any class"),
        (["cat", "cow"], None, "'cow' is no class"),
    ],
)
def test_what_is_wrong(shown: list[object], ignored: list[object] | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        several_classes(shown, ignored, "|", SPACE, "t")
