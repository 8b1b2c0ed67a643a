"""Draws of models and items: exact replays of naive loops, laws of the draws, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from freshset.stats.resampling import binomial_hits, item_draws, model_draws, resampled_hits


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(1, 9), st.integers(1, 60), st.integers(1, 70))
def test_model_draws_cover_every_resample_once(models: int, resamples: int, chunk: int) -> None:
    blocks = list(model_draws(models, resamples, rng=generator(), chunk=chunk))
    assert all(len(block) <= chunk for block in blocks)
    draws = np.concatenate(blocks)
    assert draws.shape == (resamples, models)
    assert draws.min() >= 0
    assert draws.max() < models


@given(st.integers(1, 9), st.integers(1, 60), st.integers(1, 70))
def test_size_of_blocks_does_not_change_the_draws(models: int, resamples: int, chunk: int) -> None:
    blocks = model_draws(models, resamples, rng=generator(), chunk=chunk)
    whole = generator().integers(0, models, size=(resamples, models))
    np.testing.assert_array_equal(np.concatenate(list(blocks)), whole)


@given(st.integers(1, 30), st.integers(1, 40), st.integers(1, 50))
def test_item_draws_do_not_depend_on_the_blocks(items: int, resamples: int, chunk: int) -> None:
    blocks = list(item_draws(items, resamples, rng=generator(), chunk=chunk))
    whole = next(item_draws(items, resamples, rng=generator(), chunk=resamples))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert (whole.sum(axis=1) == items).all()


def test_models_are_drawn_evenly() -> None:
    draws = np.concatenate(list(model_draws(8, 20_000, rng=generator())))
    assert stats.chisquare(np.bincount(draws.ravel())).pvalue > 0.001


@pytest.mark.parametrize(("models", "resamples"), [(0, 5), (5, 0), (-1, 5)])
def test_nothing_to_draw_is_refused(models: int, resamples: int) -> None:
    with pytest.raises(ValueError, match="at least one model and one resample"):
        next(model_draws(models, resamples, rng=generator()))


@given(
    st.integers(1, 5),
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(1, 25),
    st.integers(0, 99),
)
def test_hits_equal_a_naive_item_bootstrap(
    models: int, items: int, resamples: int, chunk: int, seed: int
) -> None:
    correct = generator(seed).random((models, items)) < 0.6
    hits = resampled_hits(correct, resamples, rng=generator(seed + 1), chunk=chunk)
    naive = generator(seed + 1)
    for row in hits:
        drawn = naive.integers(0, items, size=items)
        np.testing.assert_array_equal(row, correct[:, drawn].sum(axis=1))


def test_hits_have_the_mean_and_the_covariance_of_the_item_bootstrap() -> None:
    correct = generator().random((3, 400)) < np.array([[0.5], [0.7], [0.7]])
    correct[2] = correct[1]
    correct[2, :20] = ~correct[2, :20]
    resamples = 20_000
    hits = resampled_hits(correct, resamples, rng=generator(1))
    covariance = 400 * np.cov(correct, ddof=0)
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(
        hits.mean(axis=0), correct.sum(axis=1), atol=3 * spread.max() / np.sqrt(resamples)
    )
    # The sampling error of a covariance of normals is at most sqrt(2 / B) of the variances.
    np.testing.assert_allclose(
        np.cov(hits.T), covariance, atol=4 * np.sqrt(2 / resamples) * spread.max() ** 2
    )


def test_models_share_the_items_of_a_resample() -> None:
    correct = np.tile(generator().random(50) < 0.5, (3, 1))
    hits = resampled_hits(correct, 30, rng=generator(1))
    assert np.ptp(hits, axis=1).max() == 0
    assert np.ptp(hits, axis=0).min() > 0


def test_all_right_and_all_wrong_do_not_vary() -> None:
    correct = np.array([np.ones(25), np.zeros(25)], dtype=bool)
    hits = resampled_hits(correct, 10, rng=generator())
    assert hits.dtype == np.int64
    np.testing.assert_array_equal(hits, np.tile([25, 0], (10, 1)))


@pytest.mark.parametrize(("items", "message"), [(0, "at least one item"), (2**24, "16777216")])
def test_sizes_that_cannot_be_counted_are_refused(items: int, message: str) -> None:
    # A view of one value: refusing must not need the memory of what it refuses.
    correct = np.broadcast_to(np.True_, (2, items))
    with pytest.raises(ValueError, match=message):
        resampled_hits(correct, 1, rng=generator())


def test_binomial_hits_are_independent_with_the_binomial_mean_and_variance() -> None:
    k, n, resamples = np.array([700, 900]), 1_000, 40_000
    hits = binomial_hits(k, n, resamples, rng=generator())
    assert hits.shape == (resamples, 2)
    assert np.issubdtype(hits.dtype, np.integer)
    variance = k * (1 - k / n)
    np.testing.assert_allclose(hits.mean(axis=0), k, atol=4 * np.sqrt(variance.max() / resamples))
    np.testing.assert_allclose(hits.var(axis=0), variance, rtol=4 * np.sqrt(2 / resamples))
    assert abs(np.corrcoef(hits.T)[0, 1]) < 4 / np.sqrt(resamples)


def test_binomial_hits_take_fractional_counts_and_a_size_for_each_model() -> None:
    hits = binomial_hits([0.0, 12.5, 30.0], [10, 25, 30], 5_000, rng=generator())
    assert hits[:, 0].max() == 0
    assert hits[:, 2].min() == 30
    assert hits[:, 1].mean() == pytest.approx(12.5, abs=0.15)


@pytest.mark.parametrize(("k", "n"), [([11], 10), ([-1], 10), ([0], 0)])
def test_binomial_hits_of_impossible_counts_are_refused(k: list[int], n: int) -> None:
    with pytest.raises(ValueError, match=r"count|positive"):
        binomial_hits(k, n, 10, rng=generator())
