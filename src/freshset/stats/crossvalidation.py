"""Means over folds, whose training sets overlap: intervals and a test for two learners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.stats.types import Estimate, FloatArray, check_level


@dataclass(frozen=True, slots=True)
class CorrelatedTest:
    """Two learners on the same folds.

    Attributes
    ----------
    difference
        Mean difference of the scores, first minus second, with its corrected interval.
    t
        Corrected statistic; nan when all differences are equal, since then nothing says how much they
        would vary.
    p
        Two-sided p-value; 1 when no fold differs, nan where t is nan otherwise.
    freedom
        Degrees of freedom, folds - 1.
    """

    difference: Estimate
    t: float
    p: float
    freedom: int


def t_interval(values: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean of independent values with Student's interval.

    Over folds of one data set this interval is far too short: their training sets share most of their
    examples.  Use `corrected_interval` there.

    Parameters
    ----------
    values
        Shape (values,), at least two, finite.
    """
    scores = _checked(values)
    return _around(scores, 1 / len(scores), level)


def corrected_interval(
    scores: npt.ArrayLike,
    *,
    n_train: npt.ArrayLike,
    n_test: npt.ArrayLike,
    level: float = 0.95,
) -> Estimate:
    """Mean score over folds, with an interval that accounts for overlapping training sets.

    Parameters
    ----------
    scores
        One score a fold, shape (folds,); with repeats, those of all of them.
    n_train, n_test
        Examples that each fold trains and tests on; one number, or shape (folds,).

    Returns
    -------
    Estimate
        In the unit of the scores.  It is about the expected score of this learner when it is trained
        on ``n_train`` examples of the same distribution, not about one trained model.

    Raises
    ------
    ValueError
        For fewer than two scores, scores that are not finite, or numbers of examples below 1.

    Notes
    -----
    ``mean +- t s sqrt(1/m + n_test/n_train)`` with m folds, s their standard deviation (divisor
    m - 1) and t Student's quantile with m - 1 degrees of freedom.  The correlation of two folds is taken
    to be ``n_test / (n_test + n_train)``; no estimator of it is unbiased.  That is near the truth for
    learners that change little with their training set; for one nearest neighbour, which learns the
    same noise in every fold, a .95 interval over repeated folds covers .86 to .89 (simulated).

    References
    ----------
    Nadeau and Bengio (2003), "Inference for the generalization error", Machine Learning 52:239.
    """
    values = _checked(scores)
    return _around(values, 1 / len(values) + _overlap(n_train, n_test), level)


def correlated_t_test(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    n_train: npt.ArrayLike,
    n_test: npt.ArrayLike,
    level: float = 0.95,
) -> CorrelatedTest:
    """Corrected resampled t-test of two learners on the same folds.

    Parameters
    ----------
    first, second
        Scores of the two on the same folds in the same order, shape (folds,).
    n_train, n_test
        As in `corrected_interval`.

    Raises
    ------
    ValueError
        As `corrected_interval`, and for different numbers of scores.

    References
    ----------
    Nadeau and Bengio (2003); Bouckaert and Frank (2004) for its use over repeated folds.
    """
    one, other = _checked(first), _checked(second)
    if len(one) != len(other):
        raise ValueError("both learners need a score on every fold")
    change = one - other
    estimate = corrected_interval(change, n_train=n_train, n_test=n_test, level=level)
    freedom = len(change) - 1
    if np.ptp(change) == 0:
        return CorrelatedTest(estimate, float("nan"), _p_of_equal(change), freedom)
    scale = 1 / len(change) + _overlap(n_train, n_test)
    t = float(change.mean() / np.sqrt(change.var(ddof=1) * scale))
    return CorrelatedTest(estimate, t, float(2 * special.stdtr(freedom, -abs(t))), freedom)


def _p_of_equal(change: FloatArray) -> float:
    return 1.0 if change[0] == 0 else float("nan")


def _around(values: FloatArray, scale: float, level: float) -> Estimate:
    alpha = check_level(level)
    mean = float(values.mean())
    # Values that are all one have no spread, whatever the rounding of their mean.
    spread = 0.0 if np.ptp(values) == 0 else float(values.var(ddof=1))
    half = float(special.stdtrit(len(values) - 1, 1 - alpha / 2) * np.sqrt(spread * scale))
    return Estimate(mean, mean - half, mean + half)


def _overlap(n_train: npt.ArrayLike, n_test: npt.ArrayLike) -> float:
    train, test = np.asarray(n_train, dtype=float), np.asarray(n_test, dtype=float)
    if not train.size or not test.size or not (np.all(train >= 1) and np.all(test >= 1)):
        raise ValueError("every fold needs examples to train and to test on")
    return float(test.mean() / train.mean())


def _checked(values: npt.ArrayLike) -> FloatArray:
    scores = np.asarray(values, dtype=float)
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError("an interval needs at least two scores")
    if not np.all(np.isfinite(scores)):
        raise ValueError("scores must be finite")
    return scores
