"""Top-k columns stored worst first: a sign test on where the labels are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from freshset.stats.topk import is_worst_first


def label_ranks(first: int, last: int, k: int = 5, between: int = 0, absent: int = 0) -> np.ndarray:
    return np.repeat([1, k, 2, 0], [first, last, between, absent])


@given(st.integers(0, 120), st.integers(0, 120), st.integers(0, 50), st.integers(0, 50))
def test_verdict_is_that_of_a_one_sided_sign_test(
    first: int, last: int, between: int, absent: int
) -> None:
    rank = label_ranks(first, last, between=between, absent=absent)
    expected = (
        first + last > 0
        and stats.binomtest(last, first + last, alternative="greater").pvalue < 1e-6
    )
    assert is_worst_first(rank, 5) == expected


def test_smallest_one_sided_evidence_is_twenty_hits() -> None:
    # 2^-20 is the first power of one half below one in a million.
    assert not is_worst_first(label_ranks(0, 19), 5)
    assert is_worst_first(label_ranks(0, 20), 5)


def test_reversing_a_real_ranking_is_noticed_and_undone() -> None:
    # Hits by column of a weak classifier on 10,000 images.
    stored = np.repeat([5, 4, 3, 2, 1, 0], [1_924, 700, 480, 360, 286, 6_250])
    assert is_worst_first(stored, 5)
    assert not is_worst_first(np.where(stored > 0, 6 - stored, 0), 5)


def test_chance_does_not_flag_a_useless_ranking(rng: np.random.Generator) -> None:
    assert not any(is_worst_first(rng.integers(0, 6, size=500), 5) for _ in range(200))


@pytest.mark.parametrize("k", [0, 1])
def test_one_prediction_has_no_order(k: int) -> None:
    assert not is_worst_first(np.ones(1_000, dtype=int), k)


def test_no_hits_are_no_evidence() -> None:
    assert not is_worst_first(np.zeros(100, dtype=int), 5)
    assert not is_worst_first(np.zeros(0, dtype=int), 5)
