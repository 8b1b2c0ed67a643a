"""Means over items with their intervals: shares, bounded values, class means, ratios of sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from freshset.stats.intervals import clopper_pearson, percentile_interval
from freshset.stats.resampling import model_draws
from freshset.stats.types import BoolArray, Estimate, FloatArray, IntArray, check_level

# An estimate, and how its interval was made, in words.
Measured = tuple[Estimate, str]

# Draws held at a time: as many as stay in the processor's cache.
_CHUNK = 2**17
# More items than this are resampled in as many random groups.
_GROUPS = 2_000


@dataclass(frozen=True, slots=True)
class Sampling:
    """How intervals are made.

    Attributes
    ----------
    rng
        Source of the draws; ``None`` leaves out the intervals that need any.
    level
        Confidence level.
    n_resamples
        Resamples of a bootstrap.
    """

    rng: np.random.Generator | None
    level: float = 0.95
    n_resamples: int = 2_000

    def __post_init__(self) -> None:
        check_level(self.level)
        if self.n_resamples < 2:
            raise ValueError("a bootstrap needs at least two resamples")


def without_interval(value: float, why: str) -> Measured:
    """Return a value that has no interval, and why."""
    return Estimate(value, float("nan"), float("nan")), f"none: {why}"


def proportion(hits: BoolArray, sampling: Sampling) -> Measured:
    """Share of right answers with its exact (Clopper-Pearson) interval."""
    k, n = int(np.count_nonzero(hits)), len(hits)
    bounds = clopper_pearson(k, n, level=sampling.level)
    return Estimate(k / n, float(bounds.low), float(bounds.high)), "Clopper-Pearson"


def bounded_mean(values: FloatArray, sampling: Sampling) -> Measured:
    """Mean of values between 0 and 1, with an exact binomial interval of effective size.

    Parameters
    ----------
    values
        Shape (n,).

    Notes
    -----
    The interval is Clopper and Pearson's for as many items as would give a share the variance that
    the mean has, p (1 - p) / var(mean), shrunk by the squared ratio of the normal to Student's
    quantile.  Unlike a bootstrap it stays wide where few items say little: of values that are mostly
    1 (97 %), the bootstrap interval of the mean of 30 holds the truth in 57 % of samples, this one
    in 99 %.

    References
    ----------
    Korn and Graubard (1998), Survey Methodology 24:193.
    """
    n, value = len(values), float(np.mean(values, dtype=np.float64))
    variance = float(np.var(values, dtype=np.float64, ddof=1)) / n if n > 1 else 0.0
    alpha = 1 - sampling.level
    shrink = special.ndtri(1 - alpha / 2) / special.stdtrit(max(n - 1, 1), 1 - alpha / 2)
    return _effective(value, _size(value, variance / float(shrink) ** 2, n), sampling)


def class_mean(hits: BoolArray, classes: IntArray, sampling: Sampling) -> Measured:
    """Mean of the shares of right answers within each class that occurs.

    Parameters
    ----------
    hits, classes
        Whether each item is right, and its class id, shape (n,).

    Notes
    -----
    The interval takes the number of items of each class as given.  It is Clopper and Pearson's with
    the effective size p (1 - p) / v, v the variance of the mean as estimated within classes, and at
    most C^2 / sum(1 / n_c), the size that the weights alone leave; classes of one item share their
    variance.  With equally many items in every class value and interval are those of the accuracy.

    References
    ----------
    Korn and Graubard (1998), Survey Methodology 24:193; Kish (1965), Survey Sampling.
    """
    _, ids, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    recalls = np.bincount(ids, weights=hits) / sizes
    count, value = len(sizes), float(recalls.mean())
    single = sizes == 1
    spread = recalls[~single] * (1 - recalls[~single]) / (sizes[~single] - 1)
    variance = float(spread.sum() + _variance_of_singles(recalls[single])) / count**2
    limit = count**2 / float((1 / sizes).sum())
    return _effective(value, min(_size(value, variance, limit), limit), sampling)


def ratio(
    numerator: FloatArray,
    denominator: FloatArray,
    sampling: Sampling,
    transform: Callable[[FloatArray], FloatArray] = np.asarray,
) -> Measured:
    """Ratio of two sums over items, with a bootstrap interval.

    Parameters
    ----------
    numerator, denominator
        Shape (n,); a mean is the ratio to ones.
    transform
        Increasing function of the ratio that is wanted.

    Returns
    -------
    Measured
        Without an interval where the value is infinite, where all items agree, or where they are so
        few that no bootstrap could reach the level (fewer than 6 at .95): n values that are as
        likely above as below their mean all lie on one side of it with probability 2^(1 - n).

    Raises
    ------
    ValueError
        When the denominator adds up to 0.

    Notes
    -----
    Percentiles of item resamples, expanded for few items: Student's quantile with n - 1 degrees of
    freedom times sqrt(n / (n - 1)) replaces the normal one.  More than 2,000 items are dealt at
    random into 2,000 groups, which are resampled instead; that blurs the width by 2 % and takes a
    time that does not grow with n.

    References
    ----------
    Hesterberg (2015), The American Statistician 69:371.
    """
    n, total = len(numerator), float(denominator.sum())
    if total <= 0:
        raise ValueError("the denominator adds up to nothing")
    # A perplexity may exceed every floating-point number; infinity then says so.
    with np.errstate(over="ignore"):
        value = float(transform(np.asarray(numerator.sum() / total)))
    if not np.isfinite(value):
        unbounded = np.count_nonzero(np.isinf(numerator))
        return without_interval(value, f"infinite because of {unbounded or n} of {n} items")
    if sampling.rng is None:
        return without_interval(value, "no draws were asked for")
    if 2.0 ** (1 - n) > 1 - sampling.level:
        return without_interval(value, f"{n} items are too few for a bootstrap")
    above, below = _resampled_sums((numerator, denominator), sampling.n_resamples, sampling.rng)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        samples = transform(above / below)
    bounds = percentile_interval(samples, level=_expanded(sampling.level, n))
    low, high = float(bounds.low), float(bounds.high)
    if not np.isfinite(low + high):
        return without_interval(value, "some resamples have no finite value")
    # Sums of equal numbers differ by rounding errors.
    if np.isclose(low, high, rtol=1e-12, atol=0):
        return without_interval(value, "all items agree")
    what = "items" if n <= _GROUPS else f"{_GROUPS} random groups of items"
    return Estimate(value, low, high), f"bootstrap over {what}, {sampling.n_resamples} resamples"


def _size(value: float, variance: float, otherwise: float) -> float:
    """Answers whose share would vary as much; ``otherwise`` where values that agree do not tell."""
    spread = value * (1 - value)
    return spread / variance if spread > 0 and variance > 0 else otherwise


def _effective(value: float, size: float, sampling: Sampling) -> Measured:
    # Means of equal numbers can leave the unit interval by a rounding error.
    value = min(max(value, 0.0), 1.0)
    bounds = clopper_pearson(value * size, size, level=sampling.level)
    method = f"Clopper-Pearson, effective size {size:.1f}"
    return Estimate(value, float(bounds.low), float(bounds.high)), method


def _variance_of_singles(recalls: FloatArray) -> float:
    """Variance of the sum over classes of one item, which have none of their own to look at."""
    count = len(recalls)
    if count < 2:
        # A quarter is the most that one answer can vary.
        return count / 4
    share = float(recalls.mean())
    return count * share * (1 - share) * count / (count - 1)


def _resampled_sums(
    columns: Sequence[FloatArray], n_resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Sums of the columns over shared resamples of the items, shape (columns, resamples)."""
    n = len(columns[0])
    if n > _GROUPS:
        group = rng.permutation(n) % _GROUPS
        columns = [np.asarray(np.bincount(group, column), dtype=np.float64) for column in columns]
        n = _GROUPS
    draws = model_draws(n, n_resamples, rng=rng, chunk=max(1, _CHUNK // n))
    sums = [[column[items].sum(axis=1) for column in columns] for items in draws]
    return np.concatenate(sums, axis=1)


def _expanded(level: float, n: int) -> float:
    """Level to ask of percentiles so that the mean of few items is covered nominally."""
    t = float(special.stdtrit(n - 1, 1 - (1 - level) / 2))
    tail = float(special.ndtr(-t * np.sqrt(n / (n - 1))))
    return min(1 - 2 * tail, float(np.nextafter(1, 0)))
