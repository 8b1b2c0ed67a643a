"""Equivalence tests: the formula, the type I error at the margin, and the power."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import tost_proportions_2indep

from freshset.stats.equivalence import power_of_equivalence, tost_drop, tost_samples


def agresti_caffo_tost(
    k_old: npt.ArrayLike, n_old: int, k_new: npt.ArrayLike, n_new: int, margin: float
) -> npt.NDArray[np.float64]:
    """Two one-sided z-tests with one success and one failure added to each sample."""
    p_old, p_new = (np.asarray(k_old) + 1) / (n_old + 2), (np.asarray(k_new) + 1) / (n_new + 2)
    se = np.sqrt(p_old * (1 - p_old) / (n_old + 2) + p_new * (1 - p_new) / (n_new + 2))
    drop = p_old - p_new
    above, below = stats.norm.sf((drop + margin) / se), stats.norm.cdf((drop - margin) / se)
    return np.asarray(np.maximum(above, below))


@given(st.integers(1, 3_000), st.integers(1, 3_000), st.floats(0, 1), st.floats(0, 1))
def test_tost_of_a_drop_equals_its_formula(
    n_old: int, n_new: int, share_old: float, share_new: float
) -> None:
    k_old, k_new = int(share_old * n_old), int(share_new * n_new)
    for margin in (0.005, 0.02, 0.3):
        got = tost_drop(k_old, n_old, k_new, n_new, margin=margin)
        expected = float(agresti_caffo_tost(k_old, n_old, k_new, n_new, margin))
        assert got == pytest.approx(expected, rel=1e-7, abs=1e-300)


def test_tost_of_a_drop_equals_statsmodels(rng: np.random.Generator) -> None:
    for n_old, n_new in rng.integers(50, 20_000, size=(40, 2)):
        k_old, k_new = rng.integers(1, [n_old, n_new])
        for margin in (0.005, 0.05):
            expected = tost_proportions_2indep(
                k_old, n_old, k_new, n_new, -margin, margin, method="agresti-caffo"
            ).pvalue
            got = tost_drop(int(k_old), int(n_old), int(k_new), int(n_new), margin=margin)
            assert got == pytest.approx(float(expected), rel=1e-7, abs=1e-300)


@given(st.integers(0, 500), st.integers(0, 400))
def test_equivalence_does_not_depend_on_which_set_is_old(k_old: int, k_new: int) -> None:
    there = tost_drop(k_old, 500, k_new, 400, margin=0.03)
    assert tost_drop(k_new, 400, k_old, 500, margin=0.03) == pytest.approx(there, rel=1e-7)


def test_wider_margins_are_easier_to_meet() -> None:
    p = [tost_drop(900, 1_000, 1_780, 2_000, margin=m) for m in (0.005, 0.02, 0.05, 0.1)]
    assert p == sorted(p, reverse=True)
    assert p[0] > 0.5  # the observed drop of one point lies outside this margin
    assert p[-1] < 1e-6


def test_type_one_error_of_a_drop_at_the_margin_is_nominal() -> None:
    # Exact: the sum over all outcomes, with the formula that tost_drop was shown to follow.
    n_old, n_new, margin = 2_000, 1_000, 0.05
    k_old, k_new = np.arange(n_old + 1), np.arange(n_new + 1)
    rejected = agresti_caffo_tost(k_old[:, None], n_old, k_new, n_new, margin) < 0.05
    for p_old in (0.5, 0.7, 0.8, 0.9, 0.93):
        for p_new in (p_old - margin, p_old + margin):
            chance = stats.binom.pmf(k_old, n_old, p_old), stats.binom.pmf(k_new, n_new, p_new)
            error = chance[0] @ rejected @ chance[1]
            # With 20 errors left in the new set the normal approximation gives up half a point.
            assert 0.047 < error < (0.052 if p_new < 0.98 else 0.055)


def test_sets_too_small_for_the_margin_never_show_equivalence() -> None:
    assert all(tost_drop(k, 200, k, 200, margin=0.02) > 0.05 for k in range(30, 171))


def test_tost_of_samples_is_a_z_test_with_their_spread(rng: np.random.Generator) -> None:
    samples = rng.normal(0.3, 0.4, 5_000)
    se = samples.std(ddof=1)
    for value in (-0.7, 0.0, 0.3, 2.0):
        expected = max(stats.norm.cdf((value - 1) / se), stats.norm.sf((value + 1) / se))
        assert tost_samples(value, samples, margin=1.0) == pytest.approx(expected)
        assert tost_samples(-value, samples, margin=1.0) == pytest.approx(expected)


@pytest.mark.parametrize(("value", "p"), [(0.5, 0.0), (1.0, 1.0), (-1.5, 1.0)])
def test_samples_without_spread_decide_for_sure(value: float, p: float) -> None:
    assert tost_samples(value, np.full(10, value), margin=1.0) == p


@pytest.mark.parametrize("truth", [1.0, -1.0])
def test_type_one_error_of_samples_at_the_margin_is_nominal(
    truth: float, rng: np.random.Generator
) -> None:
    repetitions, resamples, se = 4_000, 400, 0.2
    values = rng.normal(truth, se, repetitions)
    errors = [
        tost_samples(value, value + se * rng.standard_normal(resamples), margin=1.0) < 0.05
        for value in values
    ]
    assert np.mean(errors) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / repetitions))


@pytest.mark.parametrize("se", [0.2, 0.35, 0.5])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_power_of_equivalence_is_that_of_a_simulated_test(
    se: float, level: float, rng: np.random.Generator
) -> None:
    values = rng.normal(0, se, 200_000)
    p = np.maximum(stats.norm.cdf((values - 1) / se), stats.norm.sf((values + 1) / se))
    power = power_of_equivalence(se, margin=1.0, level=level)
    assert np.mean(p < 1 - level) == pytest.approx(power, abs=3 * np.sqrt(0.25 / 200_000))


@given(st.floats(0.01, 5), st.floats(0.01, 5))
def test_power_of_equivalence_falls_with_noise_and_grows_with_the_margin(
    se: float, margin: float
) -> None:
    power = power_of_equivalence(se, margin=margin)
    assert 0 <= power <= 1
    assert power_of_equivalence(2 * se, margin=margin) <= power
    assert power_of_equivalence(se, margin=2 * margin) >= power


def test_limits_of_the_power_of_equivalence() -> None:
    assert power_of_equivalence(0.0, margin=1.0) == 1
    assert power_of_equivalence(10.0, margin=1.0) == 0


@pytest.mark.parametrize("margin", [0.0, -0.01, float("nan")])
def test_margins_that_are_not_positive_are_refused(margin: float) -> None:
    for call in (
        lambda: tost_drop(1, 2, 1, 2, margin=margin),
        lambda: tost_samples(0.0, np.arange(3.0), margin=margin),
        lambda: power_of_equivalence(0.1, margin=margin),
    ):
        with pytest.raises(ValueError, match="margin must be positive"):
            call()


@pytest.mark.parametrize("counts", [(11, 10, 5, 10), (5, 10, -1, 10), (0, 0, 5, 10)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"count|positive"):
        tost_drop(*counts, margin=0.01)


def test_impossible_level_is_refused() -> None:
    with pytest.raises(ValueError, match="level"):
        power_of_equivalence(0.1, margin=1.0, level=1.0)
