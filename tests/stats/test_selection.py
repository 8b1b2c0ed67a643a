"""Beta posteriors and priors of selection frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from freshset.stats.selection import (
    Prior,
    beta_posterior,
    count_probabilities,
    draw_priors,
    fit_prior,
)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.1, 20), st.floats(0.1, 20))
def test_posterior_equals_scipy(k: int, more: int, a: float, b: float) -> None:
    got = beta_posterior(k, k + more, prior=Prior(a, b), level=0.9)
    expected = stats.beta(a + k, b + more)
    assert got.mean == pytest.approx(expected.mean())
    assert got.low == pytest.approx(expected.ppf(0.05), abs=1e-9)
    assert got.high == pytest.approx(expected.ppf(0.95), abs=1e-9)


def test_without_answers_the_posterior_is_the_prior_and_not_zero() -> None:
    got = beta_posterior([0, 0], [0, 10])
    assert (got.mean[0], got.low[0], got.high[0]) == pytest.approx((0.5, 0.025, 0.975))
    assert got.mean[1] == pytest.approx(1 / 12)


def test_interval_covers_when_the_prior_is_true(rng: np.random.Generator) -> None:
    truth = rng.beta(2, 1, size=20_000)
    got = beta_posterior(rng.binomial(10, truth), 10, prior=Prior(2, 1), level=0.8)
    covered = ((got.low <= truth) & (truth <= got.high)).mean()
    assert covered == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("prior", [Prior(0.4, 0.3), Prior(2, 5), Prior(8, 2)])
def test_prior_is_found_again_from_counts_of_unequal_size(
    prior: Prior, rng: np.random.Generator
) -> None:
    n = rng.integers(0, 21, size=20_000)
    k = rng.binomial(n, rng.beta(prior.a, prior.b, size=n.size))
    got = fit_prior(k, n)
    assert got.mean == pytest.approx(prior.mean, abs=0.01)
    assert got.a + got.b == pytest.approx(prior.a + prior.b, rel=0.08)


def test_the_fit_is_no_less_likely_than_scipys_view_of_its_neighbours(
    rng: np.random.Generator,
) -> None:
    k = rng.binomial(10, rng.beta(1.5, 0.7, size=400))
    best = fit_prior(k, np.full(400, 10))
    likelihood = stats.betabinom(10, best.a, best.b).logpmf(k).sum()
    for a, b in ((1.1, 1), (0.9, 1), (1, 1.1), (1, 0.9)):
        assert likelihood >= stats.betabinom(10, best.a * a, best.b * b).logpmf(k).sum()


def test_draws_of_the_prior_spread_as_fits_to_fresh_counts_do(rng: np.random.Generator) -> None:
    truth, n = Prior(1.5, 2.5), np.full(150, 10)
    fits = [fit_prior(rng.binomial(n, rng.beta(truth.a, truth.b, 150)), n) for _ in range(300)]
    counts = rng.binomial(n, rng.beta(truth.a, truth.b, 150))
    a, b = draw_priors(fit_prior(counts, n), counts, n, times=2_000, rng=rng)
    for drawn, fitted in (
        (a / (a + b), [one.mean for one in fits]),
        (np.log(a + b), [np.log(one.a + one.b) for one in fits]),
    ):
        assert np.std(drawn) == pytest.approx(np.std(fitted), rel=0.3)
    a, b = draw_priors(fit_prior([10] * 5, [10] * 5), [10] * 5, [10] * 5, times=50, rng=rng)
    assert np.isfinite([a, b]).all()


@pytest.mark.parametrize("k", [0, 10])
def test_a_prior_of_unanimous_counts_stays_finite(k: int) -> None:
    got = fit_prior([k] * 30, [10] * 30)
    assert np.isfinite([got.a, got.b]).all()
    assert abs(got.mean - k / 10) < 0.05


@given(st.floats(0.05, 50), st.floats(0.05, 50), st.integers(0, 60))
def test_count_probabilities_equal_scipy(a: float, b: float, n: int) -> None:
    expected = stats.betabinom(n, a, b).pmf(np.arange(n + 1))
    np.testing.assert_allclose(count_probabilities(a, b, n), expected, rtol=1e-7)


@pytest.mark.parametrize(("k", "n"), [([2], [1]), ([-1], [1]), ([float("nan")], [1])])
def test_impossible_counts_are_refused(k: object, n: object) -> None:
    with pytest.raises(ValueError, match="between 0 and the number"):
        beta_posterior(k, n)
    with pytest.raises(ValueError, match="between 0 and the number"):
        fit_prior(k, n)


def test_no_answers_have_no_prior() -> None:
    with pytest.raises(ValueError, match="no image has answers"):
        fit_prior([0, 0], [0, 0])
