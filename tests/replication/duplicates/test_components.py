from __future__ import annotations

from collections.abc import Mapping

import pytest
from fakes.pool import frequencies
from hypothesis import given
from hypothesis import strategies as st

from freshset.replication.duplicates.components import resolve
from freshset.replication.duplicates.state import State, Verdict, ordered


def state(
    candidates: Mapping[str, str],
    marked: str,
    *,
    originals: str = "",
    excluded: str = "",
    asked: str = "",
) -> State:
    """Candidates are one letter each, their classes words; marked pairs are like ``ab bc``."""
    return State(
        {item: frozenset(keys.split()) for item, keys in candidates.items()},
        frozenset(originals),
        frozenset(excluded),
        {ordered(*pair): Verdict("duplicate", 1) for pair in marked.split()},
        {},
        frozenset(asked),
    )


def test_what_touches_an_original_is_out() -> None:
    found = resolve(
        state({"a": "cat", "b": "cat", "c": "cat"}, "ab bo", originals="o"), frequencies([])
    )
    assert found.out == {"a", "b"}
    assert [(one.items, one.originals, one.kept, one.reason) for one in found.components] == [
        (("a", "b", "o"), ("o",), "", "original")
    ]


def test_a_candidate_that_is_an_original_is_out_without_any_pair() -> None:
    found = resolve(state({"a": "cat", "b": "cat"}, "", originals="a"), frequencies([]))
    assert (found.out, found.components) == ({"a"}, ())


def test_the_class_with_fewer_good_candidates_gets_the_image() -> None:
    known = state({"a": "cat", "b": "dog", "x": "dog", "y": "dog", "z": "cat"}, "ab")
    rows = [("a", "cat", 7, 10), ("b", "dog", 10, 10), ("x", "dog", 9, 10), ("y", "dog", 9, 10)]
    found = resolve(known, frequencies([*rows, ("z", "cat", 8, 10)]))
    assert (found.components[0].kept, found.components[0].reason) == ("a", "good")
    # With more good cats than dogs it is the other way round; .69 is not good.
    rows[3] = ("y", "dog", 69, 100)
    rows[2] = ("x", "dog", 6, 10)
    found = resolve(known, frequencies([*rows, ("z", "cat", 8, 10)]))
    assert found.components[0].kept == "b"
    assert found.out == {"a"}


def test_excluded_images_are_neither_kept_nor_counted() -> None:
    known = state({"a": "cat", "b": "dog", "x": "dog"}, "ab", excluded="x")
    rows = [("a", "cat", 9, 10), ("b", "dog", 9, 10), ("x", "dog", 9, 10)]
    assert resolve(known, frequencies(rows)).components[0].kept == "a"  # 1 and 1: the lower key
    known = state({"a": "cat", "b": "dog"}, "ab", excluded="a")
    assert resolve(known, frequencies(rows[:2])).components[0].kept == "b"
    known = state({"a": "cat", "b": "dog"}, "ab", excluded="ab")
    found = resolve(known, frequencies(rows[:2]))
    assert (found.components[0].kept, found.components[0].reason) == ("", "excluded")


@pytest.mark.parametrize(
    ("values", "kept", "reason"),
    [
        ({"a": (6, 10), "b": (5, 10)}, "a", "fair"),
        ({"a": (5, 10), "b": (4, 10)}, "a", "best"),
        ({"a": (5, 10), "b": (5, 10)}, "b", "best"),  # the highest id among equals
        ({"b": (0, 10)}, "b", "best"),  # unknown is less than never
        ({}, "b", "best"),
    ],
)
def test_when_none_is_good(values: dict[str, tuple[int, int]], kept: str, reason: str) -> None:
    known = state({"a": "cat", "b": "cat"}, "ab")
    rows = [(item, "cat", *both) for item, both in values.items()]
    found = resolve(known, frequencies(rows)).components[0]
    assert (found.kept, found.reason) == (kept, reason)


def test_the_best_class_wins_when_no_class_is_fair() -> None:
    known = state({"a": "cat", "b": "dog"}, "ab")
    rows = [("a", "cat", 1, 10), ("b", "dog", 2, 10)]
    assert resolve(known, frequencies(rows)).components[0].kept == "b"


def test_an_image_of_two_classes_counts_for_both() -> None:
    known = state({"a": "cat dog", "b": "dog"}, "ab")
    rows = [("a", "cat", 8, 10), ("a", "dog", 1, 10), ("b", "dog", 9, 10)]
    found = resolve(known, frequencies(rows)).components[0]
    assert found.kept == "a"  # one good cat, one good dog: the lower key


def test_somebody_may_ask_for_another() -> None:
    known = state({"a": "cat", "b": "cat"}, "ab", asked="a")
    found = resolve(known, frequencies([("b", "cat", 10, 10)])).components[0]
    assert (found.kept, found.reason) == ("a", "asked")


def test_other_limits() -> None:
    known = state({"a": "cat", "b": "cat"}, "ab")
    rows = frequencies([("a", "cat", 5, 10)])
    assert resolve(known, rows, good=0.5).components[0].reason == "good"
    assert resolve(known, rows, good=0.6, fallback=0.4).components[0].reason == "fair"


def test_large_ones_come_first_with_their_links() -> None:
    found = resolve(state(dict.fromkeys("abcdef", "cat"), "ab cd de"), frequencies([])).components
    assert [one.items for one in found] == [("c", "d", "e"), ("a", "b")]
    assert found[0].to_dict() == {
        "items": ["c", "d", "e"],
        "edges": [["c", "d", "verdict"], ["d", "e", "verdict"]],
        "originals": [],
        "kept": "e",
        "reason": "best",
    }


@given(st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12))
def test_one_of_each_component_is_left(edges: set[tuple[str, str]]) -> None:
    text = " ".join({"".join(sorted(pair)) for pair in edges if pair[0] != pair[1]})
    known = state(dict.fromkeys("abcdefgh", "cat"), text, originals="h")
    found = resolve(known, frequencies([]))
    left = set("abcdefgh") - found.out
    for one in found.components:
        assert len(left.intersection(one.items)) == (0 if "h" in one.items else 1)
    alone = set("abcdefg").difference(*(one.items for one in found.components))
    assert alone <= left
