from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from freshset.stats.crossvalidation import corrected_interval, correlated_t_test, t_interval
from freshset.stats.types import FloatArray

SCORES = np.array([0.91, 0.88, 0.93, 0.90, 0.95, 0.86])


def test_the_plain_interval_is_students() -> None:
    got = t_interval(SCORES, level=0.9)
    low, high = stats.t.interval(0.9, 5, SCORES.mean(), stats.sem(SCORES))
    assert (got.value, got.low, got.high) == pytest.approx((SCORES.mean(), low, high))


def test_the_correction_on_paper() -> None:
    # 2 x 3 folds of 60: n_test / n_train = 20 / 40.
    got = corrected_interval(SCORES, n_train=40, n_test=20)
    half = stats.t.ppf(0.975, 5) * np.sqrt(np.var(SCORES, ddof=1) * (1 / 6 + 0.5))
    assert got.high - got.value == pytest.approx(half)
    assert got.value - got.low == pytest.approx(half)
    assert got == corrected_interval(SCORES, n_train=[40] * 6, n_test=[20] * 6)


def test_the_limits_of_the_correction() -> None:
    plain = t_interval(SCORES)
    almost = corrected_interval(SCORES, n_train=10**12, n_test=1)
    assert (almost.low, almost.high) == pytest.approx((plain.low, plain.high))


def test_two_learners() -> None:
    other = SCORES - np.array([0.01, 0.02, 0.03, -0.01, 0.02, 0.0])
    got = correlated_t_test(SCORES, other, n_train=40, n_test=20)
    change = SCORES - other
    # Student's own test, its variance inflated by the factor of the correction.
    t = stats.ttest_1samp(change, 0).statistic / np.sqrt(1 + 6 * 0.5)
    assert got.t == pytest.approx(t)
    assert got.p == pytest.approx(2 * stats.t.sf(abs(t), 5))
    assert got.freedom == 5
    assert got.difference == corrected_interval(change, n_train=40, n_test=20)
    back = correlated_t_test(other, SCORES, n_train=40, n_test=20)
    assert (back.t, back.p) == pytest.approx((-got.t, got.p))


def test_learners_that_never_differ_or_always_alike() -> None:
    same = correlated_t_test(SCORES, SCORES, n_train=40, n_test=20)
    assert (same.p, same.difference.low, same.difference.high) == (1.0, 0.0, 0.0)
    shifted = correlated_t_test(np.ones(5), np.zeros(5), n_train=40, n_test=20)
    assert np.isnan(shifted.p)
    assert np.isnan(shifted.t)


@pytest.mark.parametrize(
    ("scores", "train", "test"),
    [([0.9], 4, 1), ([0.9, np.nan], 4, 1), ([0.9, 0.8], 0, 1), ([0.9, 0.8], 4, 0), ([0.9], [], 1)],
)
def test_bad_input(scores: list[float], train: object, test: object) -> None:
    with pytest.raises(ValueError, match="needs|finite"):
        corrected_interval(scores, n_train=train, n_test=test)
    with pytest.raises(ValueError, match="every fold"):
        correlated_t_test([1, 2], [1, 2, 3], n_train=4, n_test=1)


def fold_scores(rng: np.random.Generator, n: int, folds: int, repeats: int) -> FloatArray:
    """Accuracies of nearest-mean on one simulated data set, over repeated folds."""
    labels = rng.integers(0, 2, n)
    points = rng.normal(size=(n, 2)) + 0.7 * (2 * labels[:, None] - 1)
    scores = []
    for _ in range(repeats):
        for test in np.array_split(rng.permutation(n), folds):
            train = np.ones(n, dtype=bool)
            train[test] = False
            one, zero = (points[train & (labels == c)].mean(axis=0) for c in (1, 0))
            side = (points[test] - (one + zero) / 2) @ (one - zero) > 0
            scores.append(np.mean(side == labels[test]))
    return np.array(scores)


def true_accuracy(rng: np.random.Generator, n_train: int, draws: int = 3000) -> float:
    """Expected accuracy of nearest-mean trained on so many examples, by the normal integral."""
    total = 0.0
    for _ in range(draws):
        labels = rng.integers(0, 2, n_train)
        points = rng.normal(size=(n_train, 2)) + 0.7 * (2 * labels[:, None] - 1)
        one, zero = (points[labels == c].mean(axis=0) for c in (1, 0))
        w = one - zero
        cut = (one + zero) / 2 @ w
        reach = np.array([0.7 * w.sum() - cut, 0.7 * w.sum() + cut]) / np.linalg.norm(w)
        total += float(stats.norm.cdf(reach).mean())
    return total / draws


def test_the_corrected_interval_covers_where_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(7)
    n, folds, repeats, runs = 60, 5, 10, 250
    truth = true_accuracy(rng, n * 4 // 5)
    corrected = plain = 0
    for _ in range(runs):
        scores = fold_scores(rng, n, folds, repeats)
        one = corrected_interval(scores, n_train=48, n_test=12)
        other = t_interval(scores)
        corrected += one.low <= truth <= one.high
        plain += other.low <= truth <= other.high
    # Two standard errors of a share near .95 over 250 runs are 2.8 points.
    assert corrected / runs == pytest.approx(0.95, abs=0.04)
    assert plain / runs < 0.75
