from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.replication.sampling.targets import by_histogram, one_group

EDGES = (0.2, 0.4, 0.6, 0.8)


def rows(pairs: list[tuple[int, int]], class_key: str = "cat") -> Frequencies:
    n = len(pairs)
    return Frequencies(
        np.array([f"o{i}" for i in range(n)], dtype=object),
        np.array([class_key] * n, dtype=object),
        np.array([k for k, _ in pairs], dtype=float),
        np.array([n for _, n in pairs], dtype=float),
    )


@given(
    st.lists(st.integers(0, 10), min_size=20, max_size=60),
    st.integers(1, 30),
)
def test_targets_follow_the_histogram(selected: list[int], size: int) -> None:
    """T9: whole numbers that add up, each within one of its quota, ties to the higher bin."""
    original = rows([(k, 10) for k in selected])
    (target,) = by_histogram(original, {"cat": size}, EDGES, min_answers=10, min_images=20).values()
    counts = [0] * 5
    for k in selected:
        counts[sum(Fraction(k, 10) >= Fraction(i, 5) for i in range(1, 5))] += 1
    assert sum(target) == size
    quotas = [Fraction(size * n, len(selected)) for n in counts]
    assert all(abs(t - q) < 1 for t, q in zip(target, quotas, strict=True))
    more = [t - int(q) for t, q in zip(target, quotas, strict=True)]
    rest = [q - int(q) for q in quotas]
    for low in range(5):
        for high in range(low + 1, 5):
            if rest[low] == rest[high]:
                assert more[low] <= more[high]


def test_ties_go_to_the_higher_bin() -> None:
    original = rows([(1, 10), (3, 10), (5, 10), (9, 10)])
    found = by_histogram(original, {"cat": 2}, EDGES, min_answers=10, min_images=4)
    assert found == {"cat": (0, 0, 1, 0, 1)}


def test_images_with_few_answers_do_not_count() -> None:
    original = rows([(9, 10), (9, 10), (0, 9), (0, 0)])
    found = by_histogram(original, {"cat": 3}, EDGES, min_answers=10, min_images=2)
    assert found == {"cat": (0, 0, 0, 0, 3)}
    every = by_histogram(original, {"cat": 3}, EDGES, min_answers=0, min_images=2)
    assert every == {"cat": (1, 0, 0, 0, 2)}  # the one without answers is unknown, not 0


def test_a_class_with_too_few_original_images_is_named() -> None:
    original = rows([(9, 10)] * 3)
    with pytest.raises(DataError, match=r"2 of 2 classes .* cat \(3\), dog \(0\)") as error:
        by_histogram(original, {"cat": 1, "dog": 1}, EDGES, min_answers=10, min_images=4)
    assert "min_original_images" in error.value.hint


def test_an_undivided_class_has_its_size() -> None:
    assert one_group({"cat": 3, "dog": 4}) == {"cat": (3,), "dog": (4,)}
