"""Scores on two random parts of one test set: tests of a change, and whether p-values are uniform."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.stats.types import FloatArray, as_counts, check_level


def two_proportions(
    k_one: npt.ArrayLike, n_one: npt.ArrayLike, k_two: npt.ArrayLike, n_two: npt.ArrayLike
) -> FloatArray:
    """Two-sided p-values of the pooled z-test of two proportions.

    Parameters
    ----------
    k_one, n_one, k_two, n_two
        Right answers and examples of both parts, any broadcastable shapes.

    Returns
    -------
    ndarray
        1 where both parts are all right or all wrong.

    Notes
    -----
    ``z = (p1 - p2) / sqrt(p (1 - p) (1/n1 + 1/n2))`` with p the share of both parts together.
    """
    k1, n1 = as_counts(k_one, n_one)
    k2, n2 = as_counts(k_two, n_two)
    p = (k1 + k2) / (n1 + n2)
    spread = np.sqrt(p * (1 - p) * (1 / n1 + 1 / n2))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, np.abs(k1 / n1 - k2 / n2) / spread, 0.0)
    return np.asarray(2 * special.ndtr(-z))


def split_midp(
    k_one: npt.ArrayLike, n_one: npt.ArrayLike, k_two: npt.ArrayLike, n_two: npt.ArrayLike
) -> FloatArray:
    """Two-sided mid-p values of the exact test that the parts are a random split of one set.

    Given how many of all examples a submission has right, the number in the first part of a random
    split is hypergeometric.  Twice the smaller tail, with half of the observed probability, at most 1.

    Parameters
    ----------
    k_one, n_one, k_two, n_two
        As in `two_proportions`; whole numbers.

    References
    ----------
    Fisher (1935); Lancaster (1961), JASA 56:223, for mid-p values.
    """
    from scipy.stats import hypergeom

    arrays = [
        np.rint(a).astype(np.int64) for a in (*as_counts(k_one, n_one), *as_counts(k_two, n_two))
    ]
    k1, n1, k2, n2 = np.broadcast_arrays(*arrays)
    law = hypergeom(n1 + n2, k1 + k2, n1)
    point = law.pmf(k1)
    lower = law.cdf(k1) - point / 2
    upper = law.sf(k1) + point / 2
    return np.asarray(np.minimum(1.0, 2 * np.minimum(lower, upper)))


def ks_uniform(p: npt.ArrayLike) -> tuple[float, float]:
    """Largest distance of p-values from uniform, and the p-value of Kolmogorov and Smirnov.

    The second number holds for independent, continuous p-values.  Submissions to one competition share
    their examples, so their p-values move together, and it is too small.

    Raises
    ------
    ValueError
        For no values, or values outside [0, 1].
    """
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or not values.size or not np.all((values >= 0) & (values <= 1)):
        raise ValueError("need a vector of p-values in [0, 1]")
    from scipy.stats import kstest

    found: Any = kstest(values, "uniform")
    return float(found.statistic), float(found.pvalue)


def mean_drop_bound(
    accuracy: npt.ArrayLike, n_one: int, n_two: int, *, level: float = 0.95
) -> float:
    """How far a random split alone moves the mean drop of many submissions, either way (fraction).

    All submissions share the split, so their drops do not average out.  The standard deviation of a mean
    is at most the mean of the standard deviations, which it reaches when all drops move together.

    Parameters
    ----------
    accuracy
        Over both parts, fractions, shape (submissions,).
    """
    p = np.asarray(accuracy, dtype=float)
    if p.ndim != 1 or not p.size or not np.all((p >= 0) & (p <= 1)) or min(n_one, n_two) < 1:
        raise ValueError("need accuracies in [0, 1] and parts with examples")
    z = float(special.ndtri(1 - check_level(level) / 2))
    return float(z * np.mean(np.sqrt(p * (1 - p) * (1 / n_one + 1 / n_two))))


def luck_of_the_top(
    accuracy: npt.ArrayLike,
    n_one: int,
    n_two: int,
    *,
    share: float = 0.1,
    rng: np.random.Generator,
    draws: int = 400,
) -> FloatArray:
    """Mean drop of those that lead the first part when nobody has fitted it, in each of many draws.

    Who is picked by the first score is lucky in it: a drop of the best is no adaptivity by itself.
    Submissions are drawn as if they erred independently, with the accuracies given.

    Returns
    -------
    ndarray, shape (draws,)
        Fractions.
    """
    p = np.asarray(accuracy, dtype=float)
    top = max(1, round(share * len(p)))
    one = rng.binomial(n_one, p, size=(draws, len(p))) / n_one
    two = rng.binomial(n_two, p, size=(draws, len(p))) / n_two
    rows = np.argsort(-one, axis=1, kind="stable")[:, :top]
    drop = np.take_along_axis(one - two, rows, axis=1)
    return np.asarray(drop.mean(axis=1))
