"""Two models on the same items: exact laws, statsmodels and naive bootstraps as oracles."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from freshset.stats.paired import (
    discordant_counts,
    mcnemar_all_pairs,
    mcnemar_exact,
    mcnemar_midp,
    paired_difference,
)

DISCORDANT = st.integers(0, 400)


def exact_by_counting(b: int, c: int) -> Fraction:
    n, k = b + c, min(b, c)
    return min(Fraction(1), 2 * sum(Fraction(comb(n, i), 2**n) for i in range(k + 1)))


def mid_by_counting(b: int, c: int) -> Fraction:
    """Fagerland et al. (2013): half of the observed outcome's probability, in each tail."""
    n, k = b + c, min(b, c)
    point = Fraction(comb(n, k), 2**n)
    if n == 0:
        return Fraction(1)
    if b == c:
        return 1 - point / 2
    return exact_by_counting(b, c) - point


# P-values


@given(DISCORDANT, DISCORDANT)
def test_exact_and_mid_p_equal_counting_of_outcomes(b: int, c: int) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(float(exact_by_counting(b, c)), rel=1e-12)
    assert mcnemar_midp(b, c) == pytest.approx(float(mid_by_counting(b, c)), rel=1e-12)


def test_exact_equals_statsmodels_and_scipy(rng: np.random.Generator) -> None:
    for b, c in rng.integers(1, 3_000, size=(40, 2)):
        got = mcnemar_exact(b, c)
        assert got == pytest.approx(mcnemar([[9, b], [c, 9]], exact=True).pvalue, rel=1e-9)
        assert got == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-9)


@given(DISCORDANT, DISCORDANT)
def test_p_values_do_not_depend_on_the_order_of_the_models(b: int, c: int) -> None:
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    assert mcnemar_midp(b, c) == mcnemar_midp(c, b)


@given(DISCORDANT, DISCORDANT)
def test_mid_p_is_smaller_than_exact_and_both_are_probabilities(b: int, c: int) -> None:
    exact, mid = mcnemar_exact(b, c), mcnemar_midp(b, c)
    assert 0 < mid <= exact <= 1
    assert b + c == 0 or mid < exact


@pytest.mark.parametrize("p_value", [mcnemar_exact, mcnemar_midp])
@pytest.mark.parametrize("n", [1, 8, 51])
def test_p_values_fall_as_the_counts_part(p_value: object, n: int) -> None:
    b = np.arange(n // 2 + 1)
    p = p_value(b, n - b)
    assert np.all(np.diff(p[p < 1]) > 0)


@pytest.mark.parametrize("p_value", [mcnemar_exact, mcnemar_midp])
def test_models_that_never_differ_are_not_told_apart(p_value: object) -> None:
    assert p_value(0, 0) == 1


def test_tail_of_a_large_difference_keeps_its_digits() -> None:
    # All 1,000 discordant items on one side: p = 2 / 2^1000, far beyond float32.
    assert mcnemar_exact(1_000, 0) == pytest.approx(2.0**-999, rel=1e-12)
    assert mcnemar_exact(5_000, 0) == 0


@pytest.mark.parametrize("n", [6, 13, 40, 100])
def test_exact_test_errs_less_often_than_stated_and_mid_p_about_as_often(n: int) -> None:
    b = np.arange(n + 1)
    null = stats.binom.pmf(b, n, 0.5)
    for alpha in (0.01, 0.05, 0.1):
        exact = null[mcnemar_exact(b, n - b) <= alpha].sum()
        mid = null[mcnemar_midp(b, n - b) <= alpha].sum()
        assert exact <= alpha
        assert exact <= mid <= alpha + 0.5 * null.max()


def test_mid_p_errs_nominally_and_exact_is_conservative_over_real_sizes() -> None:
    # Numbers of discordant items of pairs of similar models on 10,000 items.
    exact, mid = [], []
    for n in range(40, 240):
        b = np.arange(n + 1)
        null = stats.binom.pmf(b, n, 0.5)
        exact.append(null[mcnemar_exact(b, n - b) <= 0.05].sum())
        mid.append(null[mcnemar_midp(b, n - b) <= 0.05].sum())
    assert np.mean(mid) == pytest.approx(0.05, abs=0.002)
    assert np.mean(exact) == pytest.approx(0.039, abs=0.003)


@pytest.mark.parametrize("p_value", [mcnemar_exact, mcnemar_midp])
@pytest.mark.parametrize(("b", "c"), [(-1, 3), (3, -1)])
def test_negative_counts_are_refused(p_value: object, b: int, c: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        p_value(b, c)


# All pairs


def test_discordant_counts_equal_a_double_loop(rng: np.random.Generator) -> None:
    correct = rng.random((5, 300)) < 0.7
    counts = discordant_counts(correct)
    assert counts.dtype == np.int64
    for i in range(5):
        for j in range(5):
            assert counts[i, j] == np.count_nonzero(correct[i] & ~correct[j])


def test_all_pairs_equal_statsmodels_on_each_table(rng: np.random.Generator) -> None:
    correct = rng.random((6, 800)) < np.linspace(0.5, 0.9, 6)[:, None]
    correct[3] = correct[2]
    pairs = mcnemar_all_pairs(correct)
    assert pairs.n == 800
    assert list(zip(pairs.first, pairs.second, strict=True)) == [
        (i, j) for i in range(6) for j in range(i + 1, 6)
    ]
    for k, (i, j) in enumerate(zip(pairs.first, pairs.second, strict=True)):
        x, y = correct[i], correct[j]
        table = np.array([[np.sum(x & y), np.sum(x & ~y)], [np.sum(~x & y), np.sum(~x & ~y)]])
        assert (pairs.b[k], pairs.c[k]) == (table[0, 1], table[1, 0])
        assert pairs.p_exact[k] == pytest.approx(mcnemar(table, exact=True).pvalue, rel=1e-9)
        assert pairs.p_mid[k] == pytest.approx(
            float(mid_by_counting(int(pairs.b[k]), int(pairs.c[k]))), rel=1e-9
        )


def test_one_model_has_no_pairs() -> None:
    assert mcnemar_all_pairs(np.ones((1, 5), dtype=bool)).p_exact.size == 0


@pytest.mark.parametrize(
    ("shape", "message"), [((4,), "shape"), ((2, 2, 2), "shape"), ((2, 2**24), "16,777,216")]
)
def test_matrices_that_cannot_be_counted_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        discordant_counts(np.broadcast_to(np.True_, shape))


# The bootstrap interval of a difference


def test_paired_difference_equals_a_bootstrap_of_items(rng: np.random.Generator) -> None:
    first, second = rng.random((2, 1_500)) < np.array([[0.8], [0.77]])
    b, c = np.count_nonzero(first & ~second), np.count_nonzero(second & ~first)
    got = paired_difference(b, c, 1_500, rng=rng, n_resamples=40_000)
    naive = stats.bootstrap(
        (first.astype(float), second.astype(float)),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        paired=True, n_resamples=20_000, batch=2_000, method="percentile", rng=rng,
    )  # fmt: skip
    assert got.value == pytest.approx(first.mean() - second.mean())
    # Percentiles of 20,000 samples have a standard error of about .02 of their spread.
    tolerance = 4 * 0.02 * naive.standard_error
    assert got.low == pytest.approx(naive.confidence_interval.low, abs=tolerance)
    assert got.high == pytest.approx(naive.confidence_interval.high, abs=tolerance)


@pytest.mark.parametrize(("b", "c", "expected"), [(0, 0, 0.0), (50, 0, 1.0), (0, 50, -1.0)])
def test_samples_without_variation_have_an_interval_of_no_width(
    b: int, c: int, expected: float, rng: np.random.Generator
) -> None:
    got = paired_difference(b, c, 50, rng=rng)
    assert (got.low, got.value, got.high) == (expected, expected, expected)


def test_interval_widens_with_its_level_and_holds_the_difference(
    rng: np.random.Generator,
) -> None:
    widths = []
    for level in (0.5, 0.9, 0.99):
        got = paired_difference(120, 80, 2_000, rng=rng, level=level)
        assert got.low <= got.value == 0.02 <= got.high
        widths.append(got.high - got.low)
    assert widths == sorted(widths)


@pytest.mark.parametrize(
    ("n", "discordance", "difference"), [(2_000, 0.1, 0.0), (2_000, 0.1, 0.02), (500, 0.3, 0.1)]
)
def test_paired_difference_covers(
    n: int, discordance: float, difference: float, rng: np.random.Generator
) -> None:
    repetitions = 1_500
    law = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    covered = 0
    for b, c, _ in rng.multinomial(n, law, size=repetitions):
        got = paired_difference(int(b), int(c), n, rng=rng, n_resamples=1_000)
        covered += got.low <= difference + 1e-12 and got.high >= difference - 1e-12
    assert covered / repetitions == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / repetitions))


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 2, 10), (2, -1, 10), (6, 5, 10), (0, 0, 0)])
def test_impossible_tables_are_refused(b: int, c: int, n: int, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="need 0 <= b, c"):
        paired_difference(b, c, n, rng=rng)


def test_impossible_level_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="level"):
        paired_difference(1, 2, 10, rng=rng, level=1.0)
