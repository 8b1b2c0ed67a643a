"""Ranks by brute force, and how often the interval of a rank change holds the true change."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from freshset.stats.ranks import kendall, rank_changes, ranks, spearman, tied
from freshset.stats.resampling import binomial_hits, resampled_hits

SCORES = st.lists(st.integers(0, 12), min_size=1, max_size=15)


@given(SCORES)
def test_rank_is_one_more_than_the_number_of_better_models(values: list[int]) -> None:
    score = np.array(values)
    expected = [1 + np.count_nonzero(score > mine) for mine in score]
    np.testing.assert_array_equal(ranks(score), expected)


@given(SCORES)
def test_tied_marks_models_that_share_a_score(values: list[int]) -> None:
    score = np.array(values)
    expected = [np.count_nonzero(score == mine) > 1 for mine in score]
    np.testing.assert_array_equal(tied(ranks(score)), expected)


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32, np.float64, bool])
def test_ranks_do_not_depend_on_how_scores_are_stored(kind: Any) -> None:
    score = np.array([1, 0, 1, 1], dtype=kind)
    assert ranks(score).tolist() == [1, 4, 1, 1]
    assert ranks(score).dtype == np.int64


def test_resamples_are_ranked_row_by_row(rng: np.random.Generator) -> None:
    scores = rng.integers(0, 9, size=(20, 6))
    np.testing.assert_array_equal(ranks(scores), [ranks(row) for row in scores])


def test_published_rank_of_a_tie_is_the_better_one() -> None:
    # On MatchedFrequency two networks share 7,219 hits of 10,000 behind one with 7,221.
    rank = ranks([7_219, 7_221, 7_219, 7_144])
    assert rank.tolist() == [2, 1, 2, 4]
    assert tied(rank).tolist() == [True, False, True, False]


def test_moving_up_is_positive() -> None:
    old, new = np.array([0.9, 0.8, 0.7]), np.array([0.6, 0.5, 0.7])
    changes = rank_changes(old, new, np.tile(old, (5, 1)), np.tile(new, (5, 1)))
    assert changes.old.tolist() == [1, 2, 3]
    assert changes.new.tolist() == [2, 3, 1]
    assert changes.change.tolist() == [-1, -1, 2]
    assert changes.low.tolist() == changes.high.tolist() == [-1, -1, 2]
    assert changes.beyond_noise.all()


def test_ties_are_marked_on_the_side_where_they_are() -> None:
    old, new = np.array([3, 2, 1]), np.array([3, 3, 1])
    changes = rank_changes(old, new, np.tile(old, (5, 1)), np.tile(new, (5, 1)))
    assert not changes.tied_old.any()
    assert changes.tied_new.tolist() == [True, True, False]
    assert changes.change.tolist() == [0, 1, 0]


def test_interval_is_that_of_the_rank_differences(rng: np.random.Generator) -> None:
    old, new = rng.integers(0, 50, (2, 301, 8))
    changes = rank_changes(old[0], new[0], old, new, level=0.9)
    # Of 301 samples, 15 lie below the rank at 5 % and 15 above that at 95 %.
    moved = np.sort([ranks(a) - ranks(b) for a, b in zip(old, new, strict=True)], axis=0)
    np.testing.assert_array_equal(changes.low, moved[15])
    np.testing.assert_array_equal(changes.high, moved[285])
    assert changes.low.dtype == changes.high.dtype == np.int64
    np.testing.assert_array_equal(changes.beyond_noise, (moved[15] > 0) | (moved[285] < 0))


def test_impossible_level_is_refused() -> None:
    rows = np.ones((5, 3))
    with pytest.raises(ValueError, match="level"):
        rank_changes(rows[0], rows[0], rows, rows, level=1.5)


def test_one_resample_is_refused() -> None:
    row = np.ones((1, 3))
    with pytest.raises(ValueError, match="at least two"):
        rank_changes(row[0], row[0], row, row)


# Rank correlation


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=15))
def test_correlations_equal_their_definitions(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(spearman(x, y))
        assert np.isnan(kendall(x, y))
        return
    averaged = [stats.rankdata(v) for v in (x, y)]
    assert spearman(x, y) == pytest.approx(np.corrcoef(*averaged)[0, 1], abs=1e-9)
    dx, dy = (np.sign(v[:, None] - v) for v in (x, y))
    tau_b = np.sum(dx * dy) / np.sqrt(np.sum(dx**2) * np.sum(dy**2))
    assert kendall(x, y) == pytest.approx(tau_b, abs=1e-9)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_correlation_of_equal_and_of_opposite_orders(correlation: Any) -> None:
    x = np.array([0.1, 0.5, 0.2, 0.9])
    assert correlation(x, np.exp(x)) == pytest.approx(1)
    assert correlation(x, -x) == pytest.approx(-1)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_one_model_has_no_correlation(correlation: Any) -> None:
    assert np.isnan(correlation([0.5], [0.6]))


# Coverage


@pytest.fixture(scope="module")
def simulated(
    population: Any, correlated_items: Any
) -> tuple[npt.NDArray[np.int64], list[tuple[Any, Any]]]:
    """True rank changes, and estimated ones for many draws of both sets' items.

    The models, their similarity and the sizes of the sets are those of ImageNetV2.  Each draw is
    estimated twice: from per-item results and from counts alone.
    """
    rng = np.random.default_rng(2019)
    truth = ranks(population.old) - ranks(population.new)
    estimates = []
    for _ in range(24):
        old = correlated_items(rng, population.old, 50_000)
        new = correlated_items(rng, population.new, 10_000)
        k_old, k_new = old.sum(axis=1), new.sum(axis=1)
        shared = rank_changes(
            k_old, k_new, resampled_hits(old, 200, rng=rng), resampled_hits(new, 200, rng=rng)
        )
        counts = rank_changes(
            k_old, k_new,
            binomial_hits(k_old, 50_000, 200, rng=rng), binomial_hits(k_new, 10_000, 200, rng=rng),
        )  # fmt: skip
        estimates.append((shared, counts))
    return truth, estimates


def shares_held(truth: npt.NDArray[np.int64], estimates: list[Any]) -> npt.NDArray[np.float64]:
    """Share of the models whose interval holds the true change, one entry a draw of items."""
    return np.array([np.mean((e.low <= truth) & (truth <= e.high)) for e in estimates])


def test_population_changes_ranks_as_the_real_one_does(simulated: Any) -> None:
    truth, estimates = simulated
    assert 25 <= np.count_nonzero(truth) <= 40
    # Item noise moves more models than differ in truth, which is why intervals are needed.
    moved = np.mean([np.count_nonzero(shared.change) for shared, _ in estimates])
    assert moved > np.count_nonzero(truth)


def test_rank_change_intervals_cover_slightly_more_than_nominally(simulated: Any) -> None:
    truth, estimates = simulated
    held = shares_held(truth, [shared for shared, _ in estimates])
    # Ranks are whole numbers, so the interval cannot stop exactly at 95 %.
    slack = 3 * held.std(ddof=1) / np.sqrt(len(held))
    assert 0.95 - slack <= held.mean() <= 0.985 + slack


def test_no_single_model_is_covered_badly(simulated: Any) -> None:
    truth, estimates = simulated
    held = np.mean([(e.low <= truth) & (truth <= e.high) for e, _ in estimates], axis=0)
    # The least favourable of the 64 models, between close neighbours, is covered .90 of the time.
    slack = 3 * np.sqrt(0.9 * 0.1 / len(estimates))
    assert held.min() >= 0.9 - slack


def test_models_whose_rank_did_not_change_are_rarely_called_moved(simulated: Any) -> None:
    truth, estimates = simulated
    called = np.array([shared.beyond_noise for shared, _ in estimates])
    false = called[:, truth == 0].mean(axis=1)
    assert false.mean() <= 0.05 + 3 * false.std(ddof=1) / np.sqrt(len(false))
    # And what is called moved did move, and in that direction, but for a few.
    signs = np.array([np.sign(shared.change) for shared, _ in estimates])
    assert np.mean(signs[called] == np.broadcast_to(np.sign(truth), called.shape)[called]) > 0.75


def test_counts_alone_overstate_the_noise_of_ranks(simulated: Any) -> None:
    truth, estimates = simulated
    shared, counts = (np.mean([e[i].high - e[i].low for e in estimates]) for i in (0, 1))
    assert counts > 1.5 * shared
    assert shares_held(truth, [e for _, e in estimates]).mean() > 0.98
    moved = [np.mean([e[i].beyond_noise.sum() for e in estimates]) for i in (0, 1)]
    assert moved[1] < moved[0]
