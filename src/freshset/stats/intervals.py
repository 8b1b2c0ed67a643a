"""Confidence intervals for one accuracy and for the drop between two test sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.stats.types import FloatArray, Interval, as_counts, check_level


def clopper_pearson(k: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Exact (Clopper-Pearson) interval for a proportion.

    Parameters
    ----------
    k, n
        Correct answers and items, any broadcastable shapes.  ``k`` may be fractional.
    level
        Confidence level; the interval holds at least this coverage for every true proportion.

    Returns
    -------
    Interval
        Fractions.  ``low`` is 0 at ``k = 0`` and ``high`` is 1 at ``k = n``.

    Raises
    ------
    ValueError
        For counts outside [0, n], ``n <= 0`` or a level outside (0, 1).

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26:404, as quantiles of the Beta distribution.
    """
    alpha = check_level(level)
    k, n = as_counts(k, n)
    # The Beta parameters must stay positive at the ends, where the bound is known anyway.
    low = special.betaincinv(np.where(k > 0, k, 1), n - k + 1, alpha / 2)
    high = special.betaincinv(k + 1, np.where(k < n, n - k, 1), 1 - alpha / 2)
    return Interval(np.where(k > 0, low, 0.0), np.where(k < n, high, 1.0))


def wilson(k: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Wilson score interval for a proportion; shorter than the exact one, nominal on average.

    Parameters and errors are those of `clopper_pearson`.

    References
    ----------
    Wilson (1927), JASA 22:209.
    """
    alpha = check_level(level)
    k, n = as_counts(k, n)
    z = float(special.ndtri(1 - alpha / 2))
    p, shrink = k / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z / shrink * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(
        np.where(k > 0, np.clip(centre - half, 0, 1), 0.0),
        np.where(k < n, np.clip(centre + half, 0, 1), 1.0),
    )


def newcombe_drop(
    k_old: npt.ArrayLike,
    n_old: npt.ArrayLike,
    k_new: npt.ArrayLike,
    n_new: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> Interval:
    """Interval for ``k_old/n_old - k_new/n_new`` from two independent samples.

    The two test sets hold different items, so the comparison is unpaired even though the model is
    the same.  Newcombe's hybrid score interval combines the two Wilson intervals.

    Returns
    -------
    Interval
        Fractions in [-1, 1]; positive means that the new set scores lower.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873, method 10.
    """
    k_old, n_old = as_counts(k_old, n_old)
    k_new, n_new = as_counts(k_new, n_new)
    p_old, p_new = k_old / n_old, k_new / n_new
    old, new = wilson(k_old, n_old, level=level), wilson(k_new, n_new, level=level)
    drop = p_old - p_new
    low = drop - np.hypot(p_old - old.low, new.high - p_new)
    high = drop + np.hypot(old.high - p_old, p_new - new.low)
    return Interval(low, high)


def percentile_interval(samples: FloatArray, *, level: float = 0.95, axis: int = 0) -> Interval:
    """Percentile interval of bootstrap samples, with outward order statistics.

    The lower bound is the largest sample not above the quantile and the upper one the smallest not
    below it, so ties and small sample numbers widen the interval and never narrow it.
    """
    count = samples.shape[axis]
    if count < 2:
        raise ValueError("a percentile interval needs at least two samples")
    # "nearest" of a fraction of whole ranks picks exactly that rank, and still propagates nan.
    where = np.array(outward_ranks(count, level=level)) / (count - 1)
    low, high = np.quantile(samples, where, axis=axis, method="nearest")
    return Interval(np.asarray(low, dtype=float), np.asarray(high, dtype=float))


def outward_ranks(count: int, *, level: float = 0.95) -> tuple[int, int]:
    """Zero-based ranks, among ``count`` sorted samples, of the bounds of a percentile interval."""
    # Rounding keeps 0.1 * 100 from becoming rank 9, and mirroring keeps both tails equal.
    low = int(np.floor(round(check_level(level) / 2 * (count - 1), 9)))
    return low, count - 1 - low


def expanded_level(level: float, n_models: int) -> float:
    """Level to ask of a percentile interval of a line so that few models still cover nominally.

    Resampling models takes their residuals at face value and the reference as normal, which makes
    percentile intervals of a line too short: at a nominal .95 they cover .91 with 10 models, .92
    with 30 and .94 with 64 (simulated).  The expanded percentile interval replaces the normal
    quantile by Student's and inflates it by sqrt(m / (m - 2)), both with the line's m - 2 degrees of
    freedom.

    Parameters
    ----------
    level
        Coverage that is wanted.
    n_models
        Models in the fit, at least 3.

    Returns
    -------
    float
        Slightly above ``level``; to be passed as the ``level`` of `percentile_interval` or of
        `freshset.stats.fits.band`.

    References
    ----------
    Hesterberg (2015), "What teachers should know about the bootstrap", The American Statistician
    69:371, there for the mean.
    """
    alpha = check_level(level)
    freedom = n_models - 2
    if freedom < 1:
        raise ValueError("a line needs at least 3 models")
    t = float(special.stdtrit(freedom, 1 - alpha / 2))
    tail = float(special.ndtr(-t * np.sqrt(n_models / freedom)))
    # With 3 models the tail vanishes in floating point, and a level of 1 would be refused.
    return min(1 - 2 * tail, float(np.nextafter(1, 0)))
