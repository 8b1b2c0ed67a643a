from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import proportions_ztest

from freshset.stats.halves import (
    ks_uniform,
    luck_of_the_top,
    mean_drop_bound,
    split_midp,
    two_proportions,
)


def test_the_z_test_is_that_of_statsmodels() -> None:
    k1, k2 = np.array([80, 95, 10]), np.array([150, 190, 30])
    expected = [proportions_ztest([a, b], [100, 200])[1] for a, b in zip(k1, k2, strict=True)]
    assert two_proportions(k1, 100, k2, 200) == pytest.approx(expected)
    assert two_proportions([100, 0], 100, [200, 0], 200).tolist() == [1.0, 1.0]


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_the_exact_test_is_fishers_with_half_the_point(n1: int, n2: int, data) -> None:
    k1, k2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    table = [[k1, n1 - k1], [k2, n2 - k2]]
    less = fisher_exact(table, alternative="less")[1]
    greater = fisher_exact(table, alternative="greater")[1]
    point = less + greater - 1
    expected = min(1.0, 2 * min(less, greater) - point)
    assert float(split_midp(k1, n1, k2, n2)) == pytest.approx(expected, abs=1e-9)
    assert float(split_midp(k2, n2, k1, n1)) == pytest.approx(expected, abs=1e-9)


def test_p_values_are_nominal_under_a_random_split() -> None:
    rng = np.random.default_rng(3)
    k1 = rng.hypergeometric(900, 600, 500, size=20_000)
    for test in (split_midp, two_proportions):
        p = test(k1, 500, 900 - k1, 1000)
        # Three standard errors of a share of .05 among 20,000 are half a point.
        assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.006)
        # Whole numbers leave steps as high as the most likely one, .045.
        assert ks_uniform(p)[0] < 0.06


def test_the_distance_from_uniform() -> None:
    assert ks_uniform((np.arange(100) + 0.5) / 100)[0] == pytest.approx(0.005)
    distance, p = ks_uniform(np.full(50, 0.01))
    assert distance == pytest.approx(0.99)
    assert p < 1e-10
    for bad in ([], [1.2], [np.nan]):
        with pytest.raises(ValueError, match="p-values"):
            ks_uniform(bad)


def test_the_mean_drop_stays_within_its_bound() -> None:
    """Simulated: one split, many submissions that share most of their errors."""
    rng = np.random.default_rng(5)
    n1, n2, runs, inside = 300, 700, 400, 0
    for _ in range(runs):
        hard = rng.random(1000)
        correct = hard < rng.uniform(0.6, 0.9, size=(30, 1))
        public = rng.permutation(1000)[:n1]
        mask = np.zeros(1000, dtype=bool)
        mask[public] = True
        drop = correct[:, mask].mean(axis=1) - correct[:, ~mask].mean(axis=1)
        inside += abs(drop.mean()) <= mean_drop_bound(correct.mean(axis=1), n1, n2)
    assert inside / runs >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
    with pytest.raises(ValueError, match="accuracies"):
        mean_drop_bound([1.2], 10, 10)


def test_the_best_are_lucky() -> None:
    rng = np.random.default_rng(1)
    luck = luck_of_the_top(np.full(200, 0.8), 1000, 1000, rng=rng)
    # Mean of the top tenth of a normal is 1.755 standard deviations.
    assert luck.mean() == pytest.approx(1.755 * np.sqrt(0.16 / 1000), rel=0.05)
    spread = luck_of_the_top(np.linspace(0.1, 0.9, 200), 1000, 1000, rng=rng)
    assert spread.mean() < luck.mean() / 2
