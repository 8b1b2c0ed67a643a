"""Mixtures of Betas: the likelihood never falls, scipy agrees, and known truths come back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from freshset.stats.beta_mixture import BetaMixture, em_round, fit_beta_mixture, refit


def start(shares: list[float], a: list[float], b: list[float]) -> BetaMixture:
    return BetaMixture(np.array([shares]), np.array([a]), np.array([b]), np.array([-np.inf]))


def counts(rng: np.random.Generator, n: int = 10, items: int = 20_000) -> np.ndarray:
    s = np.where(rng.random(items) < 0.3, rng.beta(0.8, 3, items), rng.beta(6, 1, items))
    return np.bincount(rng.binomial(n, s), minlength=n + 1).astype(float)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 50), min_size=3, max_size=12).filter(any),
    st.lists(st.floats(0.01, 100), min_size=6, max_size=6),
)
def test_no_round_lowers_the_likelihood(weights: list[int], parameters: list[float]) -> None:
    n = len(weights) - 1
    mixture = start([0.2, 0.3, 0.5], parameters[:3], parameters[3:])
    k, w = np.arange(n + 1), np.array([weights], dtype=float)
    before = -np.inf
    for _ in range(30):
        mixture = em_round(mixture, k, np.full(n + 1, n), w)
        assert mixture.log_likelihood[0] >= before - 1e-9 * max(1, abs(before))
        before = mixture.log_likelihood[0]
    assert mixture.share.sum() == pytest.approx(1)


def test_likelihood_is_that_of_scipy() -> None:
    mixture = start([0.4, 0.6], [0.7, 5], [2, 1.5])
    k, n = np.array([0, 3, 4, 7]), np.array([5, 5, 8, 8])
    w = np.array([[2.0, 1, 5, 3]])
    density = 0.4 * stats.betabinom.pmf(k, n, 0.7, 2) + 0.6 * stats.betabinom.pmf(k, n, 5, 1.5)
    expected = (w[0] * (np.log(density) - np.log(special.comb(n, k)))).sum()
    assert em_round(mixture, k, n, w).log_likelihood[0] == pytest.approx(expected)


def test_the_truth_comes_back(rng: np.random.Generator) -> None:
    n = 10
    mixture = fit_beta_mixture(np.arange(n + 1), np.full(n + 1, n), counts(rng), rng=rng)
    grid = np.linspace(0.05, 0.95, 19)
    truth = 0.3 * stats.beta.cdf(grid, 0.8, 3) + 0.7 * stats.beta.cdf(grid, 6, 1)
    np.testing.assert_allclose(mixture.cdf(grid)[0], truth, atol=0.03)
    assert mixture.mean[0] == pytest.approx(0.3 * 0.8 / 3.8 + 0.7 * 6 / 7, abs=0.01)


def test_one_beta_is_as_likely_as_on_a_fine_grid(rng: np.random.Generator) -> None:
    n, w = 8, np.bincount(rng.binomial(8, rng.beta(2, 3, 5_000)), minlength=9).astype(float)
    k = np.arange(9)
    found = fit_beta_mixture(k, np.full(9, n), w, rng=rng, components=1)
    fitted = stats.betabinom.logpmf(k, n, found.a[0, 0], found.b[0, 0]) @ w
    truth = stats.betabinom.logpmf(k, n, 2, 3) @ w
    a, b = np.meshgrid(np.linspace(1.5, 2.6, 45), np.linspace(2.2, 3.9, 45))
    best = max(stats.betabinom.logpmf(k, n, x, y) @ w for x, y in zip(a.flat, b.flat, strict=True))
    assert fitted >= max(truth, best)


def test_posterior_is_bayes_rule() -> None:
    mixture = start([0.4, 0.6], [0.7, 5], [2, 1.5])
    joint = np.stack(
        [s * stats.betabinom.pmf(np.arange(5), 4, a, b)
         for s, a, b in ((0.4, 0.7, 2), (0.6, 5, 1.5))], axis=1
    )  # fmt: skip
    np.testing.assert_allclose(
        mixture.posterior(4)[0], joint / joint.sum(axis=1, keepdims=True), rtol=1e-9
    )


def test_many_at_once_are_as_one_by_one(rng: np.random.Generator) -> None:
    n = 6
    k, ns = np.arange(n + 1), np.full(n + 1, n)
    weights = rng.integers(1, 100, size=(3, n + 1)).astype(float)
    begin = start([0.5, 0.5], [2, 7], [5, 3])
    together = refit(begin, k, ns, weights, rounds=50)
    for i in range(3):
        alone = refit(begin, k, ns, weights[[i]], rounds=50)
        np.testing.assert_allclose(together[[i]].a, alone.a)
        np.testing.assert_allclose(together[[i]].share, alone.share)


def test_bad_input() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no counts"):
        fit_beta_mixture(np.array([1]), np.array([2]), np.array([0.0]), rng=rng)
    with pytest.raises(ValueError, match="between 0 and n"):
        fit_beta_mixture(np.array([3]), np.array([2]), np.array([1.0]), rng=rng)
    with pytest.raises(ValueError, match="one length"):
        fit_beta_mixture(np.array([1, 2]), np.array([2]), np.array([1.0]), rng=rng)


def test_extreme_counts_have_finite_answers() -> None:
    rng = np.random.default_rng(0)
    for w in ([0, 0, 9], [9, 0, 0], [5, 0, 5]):
        mixture = fit_beta_mixture(np.arange(3), np.full(3, 2), np.array(w, float), rng=rng)
        assert np.isfinite([*mixture.a[0], *mixture.b[0], *mixture.share[0]]).all()
        assert mixture.mean[0] == pytest.approx(np.dot(w, [0, 0.5, 1]) / sum(w), abs=0.02)
