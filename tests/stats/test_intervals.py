"""Intervals for one accuracy and for a drop: oracles, properties and exact coverage.

The coverage of an interval for counts needs no simulation: it is a sum over all outcomes.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from freshset.stats.intervals import (
    clopper_pearson,
    expanded_level,
    newcombe_drop,
    outward_ranks,
    percentile_interval,
    wilson,
)
from freshset.stats.types import Interval

LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.995])
ONE_PROPORTION = [clopper_pearson, wilson]


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 5_000))
    return draw(st.integers(0, n)), n


def holds(interval: Interval, truth: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    return np.asarray((interval.low <= truth) & (truth <= interval.high))


# One accuracy


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.995])
@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_clopper_pearson_and_wilson_equal_scipy(n: int, level: float) -> None:
    for method, ours in (("exact", clopper_pearson), ("wilson", wilson)):
        got = ours(np.arange(n + 1), n, level=level)
        for k in range(n + 1):
            expected = stats.binomtest(k, n).proportion_ci(level, method=method)
            assert got.low[k] == pytest.approx(expected.low, abs=1e-12)
            assert got.high[k] == pytest.approx(expected.high, abs=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [(clopper_pearson, "beta"), (wilson, "wilson")])
def test_large_sets_equal_statsmodels(ours: object, theirs: str, rng: np.random.Generator) -> None:
    n = rng.integers(1_000, 100_000, size=200)
    k = rng.integers(0, n + 1)
    got = ours(k, n)
    low, high = proportion_confint(k, n, alpha=0.05, method=theirs)
    np.testing.assert_allclose(got.low, low, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.high, high, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("accuracy", "n", "low", "high"),
    [
        # Recht et al. (2018), arXiv:1806.00451, prints [88.6, 91.3] for 2,000 images at 90 %.
        (0.90, 2_000, 88.60, 91.28),
        (0.76, 10_000, 75.15, 76.83),
        (0.50, 10_000, 49.02, 50.98),
    ],
)
def test_clopper_pearson_gives_the_published_intervals(
    accuracy: float, n: int, low: float, high: float
) -> None:
    interval = clopper_pearson(accuracy * n, n)
    assert 100 * interval.low == pytest.approx(low, abs=0.005)
    assert 100 * interval.high == pytest.approx(high, abs=0.005)


@given(counts(), LEVELS)
def test_clopper_pearson_bounds_are_where_the_tails_hold_half_of_alpha(
    count: tuple[int, int], level: float
) -> None:
    k, n = count
    interval = clopper_pearson(k, n, level=level)
    half = (1 - level) / 2
    if k > 0:
        assert stats.binom.sf(k - 1, n, interval.low) == pytest.approx(half, rel=1e-6)
    if k < n:
        assert stats.binom.cdf(k, n, interval.high) == pytest.approx(half, rel=1e-6)


@pytest.mark.parametrize("method", ONE_PROPORTION)
@given(count=counts(), level=LEVELS)
def test_interval_holds_the_estimate_and_lies_in_the_unit_interval(
    method: object, count: tuple[int, int], level: float
) -> None:
    k, n = count
    interval = method(k, n, level=level)
    assert 0 <= interval.low <= k / n <= interval.high <= 1
    assert interval.low < interval.high


@pytest.mark.parametrize("method", ONE_PROPORTION)
@given(count=counts(), level=LEVELS)
def test_counting_errors_instead_mirrors_the_interval(
    method: object, count: tuple[int, int], level: float
) -> None:
    k, n = count
    right = method(k, n, level=level)
    wrong = method(n - k, n, level=level)
    assert right.low == pytest.approx(1 - wrong.high, abs=1e-12)
    assert right.high == pytest.approx(1 - wrong.low, abs=1e-12)


@pytest.mark.parametrize("method", ONE_PROPORTION)
@pytest.mark.parametrize("n", [1, 13, 400])
def test_bounds_grow_with_the_count_and_width_with_the_level(method: object, n: int) -> None:
    k = np.arange(0, n + 0.25, 0.25)
    narrow = method(k, n, level=0.9)
    wide = method(k, n, level=0.99)
    for bound in (narrow.low, narrow.high, wide.low, wide.high):
        # Fractional counts must lie between their whole neighbours: tables print percentages.
        assert np.all(np.diff(bound) >= 0)
    assert np.all(wide.low <= narrow.low)
    assert np.all(narrow.high <= wide.high)


@pytest.mark.parametrize("method", ONE_PROPORTION)
def test_known_ends_at_no_and_at_all_correct(method: object) -> None:
    interval = method([0, 10], 10)
    assert interval.low[0] == 0
    assert interval.high[1] == 1
    assert 0 < interval.high[0] < 1
    assert 0 < interval.low[1] < 1


@pytest.mark.parametrize("method", ONE_PROPORTION)
def test_shapes_broadcast(method: object) -> None:
    interval = method([[5], [6]], [10, 20, 30])
    assert interval.low.shape == interval.high.shape == (2, 3)
    assert interval.low[1, 2] == method(6, 30).low


@pytest.mark.parametrize("n", [5, 20, 101, 1_000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_clopper_pearson_covers_at_least_nominally_everywhere(n: int, level: float) -> None:
    k = np.arange(n + 1)
    interval = clopper_pearson(k, n, level=level)
    # Coverage jumps down just beyond each bound, so that is where its minimum must be looked for.
    edges = np.concatenate([interval.low, interval.high])
    p = np.concatenate([np.linspace(0.0005, 0.9995, 1_999), edges - 1e-9, edges + 1e-9])
    p = p[(p > 0) & (p < 1)]
    pmf = stats.binom.pmf(k[:, None], n, p)
    covered = holds(Interval(interval.low[:, None], interval.high[:, None]), p)
    coverage = (pmf * covered).sum(axis=0)
    assert coverage.min() >= level - 1e-9


@pytest.mark.parametrize("n", [20, 101, 1_000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_covers_nominally_on_average(n: int, level: float) -> None:
    k, p = np.arange(n + 1), np.linspace(0.0005, 0.9995, 1_999)
    interval = wilson(k, n, level=level)
    pmf = stats.binom.pmf(k[:, None], n, p)
    covered = holds(Interval(interval.low[:, None], interval.high[:, None]), p)
    coverage = (pmf * covered).sum(axis=0)
    assert coverage.mean() == pytest.approx(level, abs=0.003 + 0.15 / n)
    # Away from the ends, where the count is 0 or n with a probability that matters.
    inner = (n * p > 5) & (n * (1 - p) > 5)
    assert coverage[inner].min() >= level - 0.07


# The drop between two test sets


@given(counts(), counts(), LEVELS)
def test_newcombe_equals_statsmodels(
    old: tuple[int, int], new: tuple[int, int], level: float
) -> None:
    got = newcombe_drop(*old, *new, level=level)
    low, high = confint_proportions_2indep(
        *old, *new, method="newcomb", compare="diff", alpha=1 - level
    )
    assert got.low == pytest.approx(low, abs=1e-10)
    assert got.high == pytest.approx(high, abs=1e-10)


@given(counts(), counts(), LEVELS)
def test_swapping_the_sets_turns_a_drop_into_a_rise(
    old: tuple[int, int], new: tuple[int, int], level: float
) -> None:
    drop = newcombe_drop(*old, *new, level=level)
    rise = newcombe_drop(*new, *old, level=level)
    assert drop.low == pytest.approx(-rise.high, abs=1e-12)
    assert drop.high == pytest.approx(-rise.low, abs=1e-12)


@given(counts(), counts(), LEVELS)
def test_drop_lies_in_its_interval_and_that_in_its_range(
    old: tuple[int, int], new: tuple[int, int], level: float
) -> None:
    interval = newcombe_drop(*old, *new, level=level)
    drop = old[0] / old[1] - new[0] / new[1]
    assert -1 - 1e-12 <= interval.low <= drop <= interval.high <= 1 + 1e-12


@given(counts())
def test_an_endless_old_set_leaves_the_wilson_interval_of_the_new_one(
    new: tuple[int, int],
) -> None:
    drop, alone = newcombe_drop(7 * 10**14, 10**15, *new), wilson(*new)
    assert drop.low == pytest.approx(0.7 - alone.high, abs=1e-6)
    assert drop.high == pytest.approx(0.7 - alone.low, abs=1e-6)


@pytest.mark.parametrize(("n_old", "n_new"), [(40, 25), (100, 50), (300, 60)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_newcombe_covers_nominally_on_average(n_old: int, n_new: int, level: float) -> None:
    k_old, k_new = np.arange(n_old + 1)[:, None], np.arange(n_new + 1)
    interval = newcombe_drop(k_old, n_old, k_new, n_new, level=level)
    grid = np.linspace(0.05, 0.95, 19)
    coverage = np.empty((grid.size, grid.size))
    for i, p_old in enumerate(grid):
        for j, p_new in enumerate(grid):
            covered = holds(interval, p_old - p_new)
            pmf_old = stats.binom.pmf(k_old[:, 0], n_old, p_old)
            coverage[i, j] = pmf_old @ covered @ stats.binom.pmf(k_new, n_new, p_new)
    assert coverage.mean() == pytest.approx(level, abs=0.003)
    assert coverage.min() >= level - 0.02


@pytest.mark.parametrize(
    ("p_old", "n_old", "p_new", "n_new"),
    [(0.93, 10_000, 0.85, 2_000), (0.76, 50_000, 0.643, 10_000), (0.99, 10_000, 0.985, 2_000)],
)
def test_newcombe_covers_at_the_sizes_of_real_studies(
    p_old: float, n_old: int, p_new: float, n_new: int, rng: np.random.Generator
) -> None:
    repetitions = 40_000
    interval = newcombe_drop(
        rng.binomial(n_old, p_old, repetitions), n_old,
        rng.binomial(n_new, p_new, repetitions), n_new,
    )  # fmt: skip
    coverage = holds(interval, p_old - p_new).mean()
    assert coverage == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / repetitions))


@pytest.mark.parametrize(
    "arguments", [(11, 10, 1, 10), (1, 10, -1, 10), (1, 0, 1, 10), (1, 10, float("nan"), 10)]
)
def test_drops_of_impossible_counts_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"count|positive"):
        newcombe_drop(*arguments)


@pytest.mark.parametrize("method", ONE_PROPORTION)
@pytest.mark.parametrize("arguments", [(11, 10), (-1, 10), (0, 0), (1, float("inf"))])
def test_impossible_counts_are_refused(method: object, arguments: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"count|positive"):
        method(*arguments)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_impossible_levels_are_refused(level: float) -> None:
    for call in (
        lambda: clopper_pearson(1, 2, level=level),
        lambda: wilson(1, 2, level=level),
        lambda: newcombe_drop(1, 2, 1, 2, level=level),
        lambda: percentile_interval(np.arange(9.0), level=level),
        lambda: expanded_level(level, 10),
    ):
        with pytest.raises(ValueError, match="level must lie between 0 and 1"):
            call()


# Percentiles of bootstrap samples


@given(st.integers(2, 3_000), st.sampled_from(["0.5", "0.8", "0.9", "0.95", "0.99"]))
def test_outward_ranks_are_those_of_exact_arithmetic(count: int, level: str) -> None:
    tail = (1 - Fraction(level)) / 2 * (count - 1)
    low, high = outward_ranks(count, level=float(level))
    assert low == int(tail)
    assert high == count - 1 - low


@given(
    st.lists(st.integers(-20, 20), min_size=2, max_size=200),
    st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]),
)
def test_percentile_bounds_are_samples_with_at_most_half_of_alpha_beyond(
    values: list[int], level: float
) -> None:
    samples = np.array(values, dtype=float)
    interval = percentile_interval(samples, level=level)
    assert interval.low in samples
    assert interval.high in samples
    beyond = (1 - level) / 2 * len(values) + 1e-9
    assert np.count_nonzero(samples < interval.low) <= beyond
    assert np.count_nonzero(samples > interval.high) <= beyond


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=150), LEVELS)
def test_negating_the_samples_mirrors_the_percentile_interval(
    values: list[float], level: float
) -> None:
    samples = np.array(values)
    interval, mirrored = (percentile_interval(s, level=level) for s in (samples, -samples))
    assert interval.low == -mirrored.high
    assert interval.high == -mirrored.low


def test_percentile_interval_contains_the_interpolated_one(rng: np.random.Generator) -> None:
    samples = rng.standard_normal((4, 777))
    interval = percentile_interval(samples, level=0.9, axis=1)
    low, high = np.quantile(samples, [0.05, 0.95], axis=1)
    assert interval.low.shape == (4,)
    assert np.all((interval.low <= low) & (high <= interval.high))
    assert np.all(interval.high - interval.low < high - low + 0.2)


def test_percentile_interval_takes_whole_numbers() -> None:
    interval = percentile_interval(np.arange(1_001), level=0.95)
    assert (interval.low, interval.high) == (25, 975)


def test_a_sample_that_is_nan_is_not_hidden() -> None:
    samples = np.arange(100.0)
    samples[3] = np.nan
    interval = percentile_interval(samples)
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


def test_one_sample_has_no_percentile_interval() -> None:
    with pytest.raises(ValueError, match="at least two"):
        percentile_interval(np.zeros((1, 5)))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_percentile_interval_of_a_normal_bootstrap_covers(
    level: float, rng: np.random.Generator
) -> None:
    repetitions, resamples = 4_000, 800
    estimate = rng.standard_normal(repetitions)
    samples = estimate + rng.standard_normal((resamples, repetitions))
    coverage = holds(percentile_interval(samples, level=level), 0.0).mean()
    # Outward ranks widen the interval by less than one rank in each tail.
    slack = 3 * np.sqrt(level * (1 - level) / repetitions)
    assert level - slack <= coverage <= level + slack + 2 / resamples


@pytest.mark.parametrize("n_models", [5, 10, 64])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_expanded_level_puts_students_quantile_in_place_of_the_normal_one(
    n_models: int, level: float
) -> None:
    freedom = n_models - 2
    wanted = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(n_models / freedom)
    assert stats.norm.ppf((1 + expanded_level(level, n_models)) / 2) == pytest.approx(wanted)


@given(LEVELS, st.integers(3, 500))
def test_expanded_level_falls_to_the_level_as_models_are_added(level: float, n: int) -> None:
    few, more = expanded_level(level, n), expanded_level(level, n + 1)
    # Three models reach the largest level that is not refused.
    assert 1 > few >= more > level
    assert n < 6 or few > more
    assert expanded_level(level, 10**7) == pytest.approx(level, abs=1e-6)


def test_two_models_have_no_expanded_level() -> None:
    with pytest.raises(ValueError, match="at least 3 models"):
        expanded_level(0.95, 2)
