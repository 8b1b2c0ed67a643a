from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.bins import at_least, bin_names, frequency_bins

EDGES = (0.2, 0.4, 0.6, 0.8)


def slow_bin(selected: int, answers: int, edges: list[Fraction]) -> int:
    """The definition, in exact fractions."""
    return sum(Fraction(selected, answers) >= edge for edge in edges)


@given(st.integers(1, 2000), st.data())
def test_bins_are_exact(answers: int, data: st.DataObject) -> None:
    selected = data.draw(st.integers(0, answers))
    tenths = sorted(data.draw(st.sets(st.integers(1, 99), max_size=8)))
    found = frequency_bins([selected], [answers], [t / 100 for t in tenths])
    assert found[0] == slow_bin(selected, answers, [Fraction(t, 100) for t in tenths])


@given(st.integers(1, 400).flatmap(lambda k: st.tuples(st.just(k), st.integers(1, 4))))
def test_an_edge_belongs_to_the_bin_above_it(pair: tuple[int, int]) -> None:
    k, edge = pair
    assert frequency_bins([edge * k], [5 * k], EDGES)[0] == edge
    assert frequency_bins([edge * k - 0.5], [5 * k], EDGES)[0] == edge - 1


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1))
def test_bins_rise_with_the_frequency(pairs: list[tuple[int, int]]) -> None:
    selected = np.array([min(p) for p in pairs])
    answers = np.array([max(p) for p in pairs])
    bins = frequency_bins(selected, answers, EDGES)
    assert ((bins == -1) == (answers == 0)).all()
    known = answers > 0
    order = np.argsort(selected[known] / answers[known], kind="stable")
    assert (np.diff(bins[known][order]) >= 0).all()


def test_the_last_bin_is_closed_and_unknown_is_no_bin() -> None:
    assert frequency_bins([10, 0, 0], [10, 10, 0], EDGES).tolist() == [4, 0, -1]
    assert frequency_bins([10, 0], [10, 0], ()).tolist() == [0, -1]


def test_a_limit_is_the_number_that_was_written() -> None:
    # As floats, 0.1 * 3 is above 0.3 and 3 / 10 is not.
    assert at_least([7, 6, 0, 3], [10, 10, 0, 10], [0.7, 0.7, 0.0, 0.3]).tolist() == [
        True, False, False, True,
    ]  # fmt: skip
    assert at_least([0], [10], 0.0).tolist() == [True]


@given(st.integers(1, 40), st.floats(0.01, 1), st.data())
def test_equal_weights_change_no_bin(answers: int, weight: float, data: st.DataObject) -> None:
    selected = data.draw(st.integers(0, answers))
    weighted = [sum([weight] * n) for n in (selected, answers)]
    found = frequency_bins([min(weighted)], [weighted[1]], EDGES)
    assert found == frequency_bins([selected], [answers], EDGES)


def test_wrong_edges_and_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        frequency_bins([1], [2], (0.4, 0.4))
    with pytest.raises(ValueError, match="between 0"):
        at_least([3], [2], 0.5)
    with pytest.raises(ValueError, match="between 0"):
        at_least([np.nan], [2], 0.5)


def test_bins_have_names() -> None:
    assert bin_names(EDGES) == (
        "0.0 to 0.2",
        "0.2 to 0.4",
        "0.4 to 0.6",
        "0.6 to 0.8",
        "0.8 to 1.0",
    )
    assert bin_names((0.25,)) == ("0.00 to 0.25", "0.25 to 1.00")
    assert bin_names(()) == ("0.0 to 1.0",)
