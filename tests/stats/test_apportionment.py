from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.apportionment import Ties, largest_remainder

WEIGHTS = st.lists(
    st.one_of(
        st.integers(0, 10_000),
        st.floats(0, 1e6, allow_nan=False),
        st.fractions(0, 100, max_denominator=60),
    ),
    min_size=1,
    max_size=12,
).filter(lambda w: sum(map(Fraction, w)) > 0)
TIES = st.sampled_from(["first", "last"])


@given(WEIGHTS, st.integers(0, 3_000), TIES)
def test_shares_add_up_and_lie_within_one_of_their_quota(
    weights: list[float], total: int, ties: Ties
) -> None:
    shares = largest_remainder(weights, total, ties=ties)
    whole = sum(map(Fraction, weights))
    assert int(shares.sum()) == total
    for share, weight in zip(shares.tolist(), weights, strict=True):
        assert abs(share - total * Fraction(weight) / whole) < 1
        assert weight > 0 or share == 0


@given(WEIGHTS, st.integers(0, 3_000), TIES)
def test_no_smaller_remainder_is_rounded_up_before_a_larger_one(
    weights: list[float], total: int, ties: Ties
) -> None:
    shares = largest_remainder(weights, total, ties=ties)
    whole = sum(map(Fraction, weights))
    quotas = [total * Fraction(w) / whole for w in weights]
    up = [share > quota.__floor__() for share, quota in zip(shares.tolist(), quotas, strict=True)]
    for i, j in combinations(range(len(weights)), 2):
        first, second = (quotas[k] - quotas[k].__floor__() for k in (i, j))
        if first == second:  # i stands before j
            assert up[i] >= up[j] if ties == "first" else up[i] <= up[j]
        else:
            assert up[i] >= up[j] if first > second else up[i] <= up[j]


@given(st.lists(st.integers(0, 500), min_size=2, max_size=8), st.integers(0, 300), TIES)
def test_a_larger_weight_never_gets_less(weights: list[int], total: int, ties: Ties) -> None:
    weights = [*weights, 1]
    shares = largest_remainder(weights, total, ties=ties)
    ordered = sorted(zip(weights, shares.tolist(), strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(ordered) if low[0] < high[0])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(1, 97), st.integers(0, 50))
def test_scale_does_not_matter(weights: list[int], by: int, total: int) -> None:
    weights = [*weights, 3]
    expected = largest_remainder(weights, total)
    assert largest_remainder([w * by for w in weights], total).tolist() == expected.tolist()
    scaled = largest_remainder([Fraction(w, by) for w in weights], total)
    assert scaled.tolist() == expected.tolist()


def test_ties_go_where_they_should() -> None:
    assert largest_remainder([1, 1, 1, 1], 2).tolist() == [1, 1, 0, 0]
    assert largest_remainder([1, 1, 1, 1], 2, ties="last").tolist() == [0, 0, 1, 1]
    # Quotas .5, 1 and 3.5: floating point would tell the two halves apart.
    tenths = [Fraction(1, 10), Fraction(2, 10), Fraction(7, 10)]
    assert largest_remainder(tenths, 5).tolist() == [1, 1, 3]
    assert largest_remainder(tenths, 5, ties="last").tolist() == [0, 1, 4]
    assert largest_remainder([], 0).tolist() == []
    assert largest_remainder([0, 0], 0).dtype == np.int64


@pytest.mark.parametrize(
    ("weights", "total", "message"),
    [
        ([1, -1], 3, "at least 0, not -1"),
        ([1, float("nan")], 3, "finite"),
        ([1, float("inf")], 3, "finite"),
        ([1], -1, "total must be at least 0"),
        ([0, 0], 3, "no weight above 0 to split 3"),
        ([], 3, "no weight above 0 to split 3"),
    ],
)
def test_what_cannot_be_split_is_refused(weights: list[float], total: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        largest_remainder(weights, total)
