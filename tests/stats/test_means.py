"""Means and their intervals: oracles, limits, and coverage by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import recall_score
from statsmodels.stats.proportion import proportion_confint

from freshset.stats.means import (
    Measured,
    Sampling,
    bounded_mean,
    class_mean,
    proportion,
    ratio,
)

Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]


def sampling(seed: int = 3, level: float = 0.95, n_resamples: int = 400) -> Sampling:
    return Sampling(np.random.default_rng(seed), level, n_resamples)


def mean(values: npt.NDArray[np.float64], how: Sampling) -> Measured:
    return ratio(values, np.ones(len(values)), how)


def covered(measured: Measured, truth: float) -> bool:
    return measured[0].low <= truth <= measured[0].high


# Shares


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_proportion_equals_statsmodels(level: float, rng: np.random.Generator) -> None:
    for n in (1, 10, 999):
        hits = rng.random(n) < 0.7
        estimate, method = proportion(hits, sampling(level=level))
        low, high = proportion_confint(hits.sum(), n, alpha=1 - level, method="beta")
        # statsmodels gives nan where the bound is known.
        assert estimate.low == pytest.approx(np.nan_to_num(low, nan=0.0))
        assert estimate.high == pytest.approx(np.nan_to_num(high, nan=1.0))
        assert estimate.value == hits.mean()
        assert method == "Clopper-Pearson"


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_bounded_mean_of_answers_right_or_wrong_is_no_narrower_than_their_share(
    hits: list[bool],
) -> None:
    exact, _ = proportion(np.array(hits), sampling())
    ours, method = bounded_mean(np.array(hits, dtype=float), sampling())
    assert ours.value == pytest.approx(exact.value)
    # The variance is estimated, with one degree of freedom less and Student's quantile.
    assert ours.low <= exact.low + 1e-12
    assert ours.high >= exact.high - 1e-12
    assert "effective size" in method


@given(st.lists(st.integers(0, 1_000).map(lambda i: i / 1_000), min_size=1, max_size=40))
def test_a_bounded_mean_stays_in_bounds_and_holds_its_value(values: list[float]) -> None:
    estimate, _ = bounded_mean(np.array(values), sampling())
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low < estimate.high


def test_a_bounded_mean_of_many_is_the_normal_interval(rng: np.random.Generator) -> None:
    values = rng.beta(4, 3, size=20_000)
    estimate, _ = bounded_mean(values, sampling())
    low, high = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert estimate.low == pytest.approx(low, abs=2e-5)
    assert estimate.high == pytest.approx(high, abs=2e-5)


def test_answers_that_are_all_right_leave_doubt() -> None:
    estimate, method = bounded_mean(np.ones(8), sampling())
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 8))
    assert method == "Clopper-Pearson, effective size 8.0"


def size(measured: Measured) -> float:
    return float(measured[1].rsplit(" ", 1)[1])


def test_the_effective_size_of_a_bounded_mean_by_hand() -> None:
    # Mean .6, variance of the mean .04 / 3, Student's 4.3027 for the normal 1.9600: 18 x .2075.
    assert size(bounded_mean(np.array([0.4, 0.6, 0.8]), sampling())) == pytest.approx(3.7)


def test_the_effective_size_of_a_class_mean_by_hand() -> None:
    label = np.repeat([0, 1], [4, 20])
    hits = np.array([1, 1, 0, 0] + [1] * 19 + [0], dtype=bool)
    # (.25 / 3 + .0475 / 19) / 4 = .02146 for a mean of .725.
    assert size(class_mean(hits, label, sampling())) == pytest.approx(9.3)
    # A class of one item may vary by a quarter: (.25 + .0475 / 19) / 4 = .0631 for .975.
    alone = class_mean(np.array([True] + [True] * 19 + [False]), label[3:], sampling())
    assert size(alone) == pytest.approx(0.4)
    # Two of them share the variance of both: 2 x 2 x .25 / 9 = .1111 for a mean of .5 with 10 of 20.
    two = class_mean(
        np.array([True, False] + [True, False] * 10), np.array([1, 2] + [3] * 20), sampling()
    )
    assert size(two) == pytest.approx(0.25 / ((1 + 0.25 / 19) / 9), abs=0.05)


def squad(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """F1 of answers: 80 % right, 7 % wrong, the others in between; mean .874750."""
    u = rng.random(n)
    return np.where(u < 0.8, 1.0, np.where(u < 0.87, 0.0, rng.uniform(0.2, 0.95, n)))


def nearly_all(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """F1 of easy answers: 97 % right."""
    return np.where(rng.random(n) < 0.97, 1.0, rng.uniform(0, 0.9, n))


@pytest.mark.parametrize(("draw", "truth"), [(squad, 0.87475), (nearly_all, 0.9835)])
@pytest.mark.parametrize("n", [3, 10, 30, 200])
def test_a_bounded_mean_covers(draw: Draw, truth: float, n: int, rng: np.random.Generator) -> None:
    repeats = 600
    held = [covered(bounded_mean(draw(rng, n), sampling()), truth) for _ in range(repeats)]
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / repeats)


# Class means


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=60))
def test_class_mean_equals_scikit_learn(items: list[tuple[int, bool]]) -> None:
    label = np.array([c for c, _ in items])
    hits = np.array([hit for _, hit in items])
    # A wrong answer is a class that no item has.
    predicted = np.where(hits, label, -1)
    expected = recall_score(
        label, predicted, labels=np.unique(label), average="macro", zero_division=0
    )
    estimate, _ = class_mean(hits, label, sampling())
    assert estimate.value == pytest.approx(expected)
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1
    assert estimate.low < estimate.high


@given(
    st.integers(1, 8).flatmap(
        lambda size: st.lists(st.lists(st.booleans(), min_size=size, max_size=size), min_size=1)
    )
)
def test_with_equal_classes_it_is_the_accuracy_and_no_surer(rows: list[list[bool]]) -> None:
    hits = np.array(rows)
    label = np.repeat(np.arange(len(hits)), hits.shape[1])
    exact, _ = proportion(hits.ravel(), sampling())
    estimate, _ = class_mean(hits.ravel(), label, sampling())
    assert estimate.value == pytest.approx(exact.value)
    assert estimate.low <= exact.low + 1e-9
    assert estimate.high >= exact.high - 1e-9


def test_a_rare_class_sets_the_width(rng: np.random.Generator) -> None:
    label = np.repeat([0, 1], [10, 1_000])
    hits = np.concatenate([np.tile([True, False], 5), rng.random(1_000) < 0.9])
    wide, method = class_mean(hits, label, sampling())
    # Half the weight lies on ten items: 2^2 / (1/10 + 1/1000) = 39.6 items at most.
    assert float(method.rsplit(" ", 1)[1]) <= 39.6
    assert wide.high - wide.low > 0.25


@pytest.mark.parametrize(
    ("sizes", "shares"),
    [
        ([2] * 20, np.linspace(0.5, 1, 20)),
        ([10] * 50, np.linspace(0.4, 1, 50)),
        ([1] * 20, np.full(20, 0.9)),
        ([10, 1_000], np.array([0.6, 0.99])),
        ([1, 2, 3, 4, 100, 500], np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95])),
    ],
)
def test_class_mean_covers(
    sizes: list[int], shares: npt.NDArray[np.float64], rng: np.random.Generator
) -> None:
    repeats, label = 600, np.repeat(np.arange(len(sizes)), sizes)
    held = [
        covered(
            class_mean(rng.random(len(label)) < shares[label], label, sampling()), shares.mean()
        )
        for _ in range(repeats)
    ]
    assert np.mean(held) >= 0.94 - 3 * np.sqrt(0.94 * 0.06 / repeats)


# Ratios of sums


def test_ratio_equals_the_bootstrap_of_scipy(rng: np.random.Generator) -> None:
    nll, tokens = rng.exponential(50, size=1_500), rng.integers(5, 40, size=1_500).astype(float)

    def perplexity(nll: npt.NDArray, tokens: npt.NDArray, axis: int = -1) -> npt.NDArray:
        return np.exp(nll.sum(axis=axis) / tokens.sum(axis=axis))

    expected = stats.bootstrap(
        (nll, tokens),
        perplexity,
        paired=True,
        vectorized=True,
        n_resamples=4_000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    estimate, method = ratio(nll, tokens, sampling(n_resamples=4_000), np.exp)
    assert estimate.value == pytest.approx(perplexity(nll, tokens))
    width = expected.high - expected.low
    assert estimate.low == pytest.approx(expected.low, abs=0.04 * width)
    assert estimate.high == pytest.approx(expected.high, abs=0.04 * width)
    assert method == "bootstrap over items, 4000 resamples"


def test_many_items_are_resampled_in_groups_and_as_wide(rng: np.random.Generator) -> None:
    values = rng.exponential(size=30_000)
    estimate, method = mean(values, sampling(n_resamples=4_000))
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.08)
    assert estimate.low < estimate.value < estimate.high
    assert method == "bootstrap over 2000 random groups of items, 4000 resamples"


@pytest.mark.parametrize(("n", "least"), [(10, 0.88), (40, 0.925), (3_000, 0.935)])
def test_the_bootstrap_covers_a_skewed_mean(n: int, least: float, rng: np.random.Generator) -> None:
    repeats = 250
    held = [covered(mean(rng.exponential(size=n), sampling(i)), 1.0) for i in range(repeats)]
    # An exponential is as skewed as losses get; percentiles pay for it with few items.
    assert np.mean(held) >= least - 3 * np.sqrt(least * (1 - least) / repeats)


def test_the_bootstrap_covers_the_mean_of_eight(rng: np.random.Generator) -> None:
    repeats = 500
    held = [covered(mean(rng.normal(size=8) + 5, sampling(i)), 5.0) for i in range(repeats)]
    # Plain percentiles would hold it in 89 %.
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / repeats)


def test_the_bootstrap_covers_a_perplexity(rng: np.random.Generator) -> None:
    repeats, held = 300, []
    for i in range(repeats):
        tokens = rng.integers(20, 200, size=150).astype(float)
        # Documents differ in difficulty, 2.5 nats a token on average whatever their length.
        nll = tokens * rng.gamma(10, 0.25, size=150)
        held.append(covered(ratio(nll, tokens, sampling(i), np.exp), np.exp(2.5)))
    assert abs(np.mean(held) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / repeats) + 0.005


def test_the_same_seed_gives_the_same_interval(rng: np.random.Generator) -> None:
    values = rng.random(5_000)
    assert mean(values, sampling(1)) == mean(values, sampling(1))
    assert mean(values, sampling(1)) != mean(values, sampling(2))


@pytest.mark.parametrize(("n", "level"), [(5, 0.95), (7, 0.99), (1, 0.5)])
def test_too_few_items_have_no_interval(n: int, level: float) -> None:
    estimate, method = mean(np.arange(n, dtype=float), sampling(level=level))
    assert np.isnan([estimate.low, estimate.high]).all()
    assert method == f"none: {n} items are too few for a bootstrap"
    assert estimate.value == (n - 1) / 2


@pytest.mark.parametrize("n", [20, 2_500])
@pytest.mark.parametrize("value", [0.0, 0.1])
def test_items_that_all_agree_are_not_called_certain(n: int, value: float) -> None:
    estimate, method = mean(np.full(n, value), sampling())
    assert estimate.value == pytest.approx(value)
    assert np.isnan([estimate.low, estimate.high]).all()
    assert method == "none: all items agree"


def test_an_infinite_item_makes_the_mean_infinite_and_is_counted() -> None:
    estimate, method = mean(np.array([1.0, np.inf, 2.0, np.inf]), sampling())
    assert estimate.value == np.inf
    assert np.isnan([estimate.low, estimate.high]).all()
    assert method == "none: infinite because of 2 of 4 items"


def test_a_perplexity_beyond_every_number_is_infinite() -> None:
    estimate, method = ratio(np.full(4, 2_000.0), np.ones(4), sampling(), np.exp)
    assert estimate.value == np.inf
    assert method == "none: infinite because of 4 of 4 items"


def test_resamples_without_a_token_leave_no_interval() -> None:
    nll, tokens = np.arange(8.0), np.array([5.0] + [0.0] * 7)
    estimate, method = ratio(nll, tokens, sampling())
    assert estimate.value == 28 / 5
    assert method == "none: some resamples have no finite value"
    with pytest.raises(ValueError, match="adds up to nothing"):
        ratio(nll, np.zeros(8), sampling())


def test_without_draws_only_the_bootstrap_is_left_out(rng: np.random.Generator) -> None:
    quiet = Sampling(None)
    assert mean(rng.random(30), quiet)[1] == "none: no draws were asked for"
    assert bounded_mean(rng.random(30), quiet)[0].low > 0
    assert proportion(rng.random(30) < 0.5, quiet)[0].low > 0


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_levels_outside_the_unit_interval_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        Sampling(None, level)


def test_one_resample_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        Sampling(None, 0.95, 1)
