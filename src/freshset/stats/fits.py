"""The line of new accuracy on old accuracy, its uncertainty and its band."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from freshset.stats.intervals import outward_ranks
from freshset.stats.resampling import model_draws
from freshset.stats.types import FloatArray, Interval

Scale = Literal["linear", "probit", "logit"]
MIN_MODELS = 3


def transform(p: npt.ArrayLike, scale: Scale) -> FloatArray:
    """Map accuracies (fractions) to the scale on which the line is fitted.

    ``linear`` gives percentage points, ``probit`` the normal quantile and ``logit`` log-odds.  0 and
    1 become infinite on the last two: clip first (`clip_accuracy`).

    Raises
    ------
    ValueError
        For an unknown scale.
    """
    p = np.asarray(p, dtype=float)
    if scale == "linear":
        return 100 * p
    if scale == "probit":
        return np.asarray(special.ndtri(p), dtype=float)
    if scale == "logit":
        return np.asarray(special.logit(p), dtype=float)
    raise ValueError(f"unknown scale {scale!r}")


def inverse(value: npt.ArrayLike, scale: Scale) -> FloatArray:
    """Map values of a scale back to accuracies (fractions); inverse of `transform`."""
    value = np.asarray(value, dtype=float)
    if scale == "linear":
        return value / 100
    if scale == "probit":
        return np.asarray(special.ndtr(value), dtype=float)
    if scale == "logit":
        return np.asarray(special.expit(value), dtype=float)
    raise ValueError(f"unknown scale {scale!r}")


def clip_accuracy(p: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
    """Clip accuracies to [1/(2n), 1 - 1/(2n)], so that 0 and 1 stay finite on probit and logit."""
    p, n = np.asarray(p, dtype=float), np.asarray(n, dtype=float)
    return np.asarray(np.clip(p, 1 / (2 * n), 1 - 1 / (2 * n)), dtype=float)


@dataclass(frozen=True, slots=True)
class Line:
    """An ordinary least-squares line ``y = intercept + slope * x``.

    Attributes
    ----------
    slope, intercept
        In the units of the scale the points were given on.
    r2
        Squared correlation; nan when y is constant.
    residual_sd
        Standard deviation of the residuals, with n - 2 degrees of freedom; nan for n = 2.
    """

    slope: float
    intercept: float
    r2: float
    residual_sd: float

    def __call__(self, x: npt.ArrayLike) -> FloatArray:
        """Evaluate the line."""
        return self.intercept + self.slope * np.asarray(x, dtype=float)


def fit_line(x: npt.ArrayLike, y: npt.ArrayLike) -> Line:
    """Fit y on x by ordinary least squares.

    Raises
    ------
    ValueError
        With fewer than 3 points, points that are not finite, or all x equal.
    """
    x, y = _points(x, y)
    with warnings.catch_warnings():
        # A constant y has no correlation; scipy warns, we report nan.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.linregress(x, y)
    residuals = y - (result.intercept + result.slope * x)
    sd = float(np.sqrt(residuals @ residuals / (x.size - 2)))
    r2 = float(result.rvalue) ** 2 if np.ptp(y) > 0 else float("nan")
    return Line(float(result.slope), float(result.intercept), r2, sd)


def theil_sen(x: npt.ArrayLike, y: npt.ArrayLike) -> Line:
    """Fit y on x by the median of all pairwise slopes, which a few bad points cannot move.

    References
    ----------
    Sen (1968), JASA 63:1379, with the median of the residuals as intercept.
    """
    x, y = _points(x, y)
    first, second = np.triu_indices(x.size, k=1)
    dx, dy = x[second] - x[first], y[second] - y[first]
    slope = float(np.median(dy[dx != 0] / dx[dx != 0]))
    intercept = float(np.median(y - slope * x))
    residuals = y - (intercept + slope * x)
    left, total = float(residuals @ residuals), float(np.square(y - y.mean()).sum())
    r2 = 1 - left / total if total > 0 else float("nan")
    return Line(slope, intercept, r2, float(np.sqrt(left / (x.size - 2))))


def robust_residuals(x: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
    """Residuals from the Theil-Sen line in units of their median absolute deviation (MAD).

    Zero where the MAD is zero and the point is on the line; infinite off it.
    """
    x, y = _points(x, y)
    residuals = y - theil_sen(x, y)(x)
    mad = float(np.median(np.abs(residuals - np.median(residuals))))
    # Points on a line up to rounding must not be measured in units of that rounding.
    rounding = 1e-12 * max(1.0, float(np.abs(y).max()))
    if mad > rounding:
        return residuals / mad
    return np.where(np.abs(residuals) <= rounding, 0.0, np.copysign(np.inf, residuals))


@dataclass(frozen=True, slots=True)
class LineSamples:
    """Bootstrap samples of a line.

    Attributes
    ----------
    slope, intercept
        Shape (resamples,), without the degenerate ones.
    mean_x, mean_y
        Means of the resampled points, shape (resamples,): what the mean drop is made of.
    n_degenerate
        Resamples whose x were all equal, for which no line exists; they are left out.
    """

    slope: FloatArray
    intercept: FloatArray
    mean_x: FloatArray
    mean_y: FloatArray
    n_degenerate: int

    def reflected(self, line: Line) -> LineSamples:
        """Mirror slope and intercept at the observed line, for the basic bootstrap interval.

        Noise in the old accuracies flattens the observed line, and resampling the items flattens it
        once more.  Percentiles of the mirrored samples undo the second step's shift in place of
        doubling the first.

        References
        ----------
        Davison and Hinkley (1997), "Bootstrap methods and their application", section 5.2.1.
        """
        return replace(
            self,
            slope=2 * line.slope - self.slope,
            intercept=2 * line.intercept - self.intercept,
        )


def bootstrap_models(
    x: npt.ArrayLike, y: npt.ArrayLike, n_resamples: int, *, rng: np.random.Generator
) -> LineSamples:
    """Resample models: the uncertainty that comes from having tested these models and no others.

    Parameters
    ----------
    x, y
        Old and new accuracy on one scale, shape (models,).

    Notes
    -----
    With few models the percentile interval of these samples is too short; ask it for the level that
    `freshset.stats.intervals.expanded_level` gives.

    References
    ----------
    Recht et al. (2019), "Do ImageNet classifiers generalize to ImageNet?", figure 1.
    """
    x, y = _points(x, y)
    x0, y0 = x.mean(), y.mean()
    dx, dy = x - x0, y - y0
    terms = np.stack([dx, dy, dx * dx, dx * dy], axis=1)
    sums = np.empty((n_resamples, 4))
    start = 0
    for draw in model_draws(x.size, n_resamples, rng=rng):
        _sum_rows(terms, draw, out=sums[start : start + len(draw)])
        start += len(draw)
    return _lines_from_sums(sums, x.size, x0, y0)


def bootstrap_items(x_items: FloatArray, y_items: FloatArray) -> LineSamples:
    """Fit one line to each item resample: the uncertainty that comes from the finite test sets.

    Parameters
    ----------
    x_items, y_items
        Accuracies on one scale, shape (item resamples, models).

    Notes
    -----
    Noise in the old accuracies flattens a line, and resampling the items flattens it once more: take
    the interval of `LineSamples.reflected`.  At a nominal .95, plain percentiles of the slope cover
    .94 with 10,000 old and 2,000 new items, and .75 to .94 with 2,000 and 1,000, the less the models'
    errors are alike; the reflected ones cover .93 to .95 throughout (simulated with 64 models of the
    accuracies of ImageNetV2's).
    """
    x0, y0 = float(x_items.mean()), float(y_items.mean())
    x, y = x_items - x0, y_items - y0
    sums = np.stack([x.sum(1), y.sum(1), (x * x).sum(1), (x * y).sum(1)], axis=1)
    return _lines_from_sums(sums, x.shape[1], x0, y0)


def bootstrap_both(
    x_items: FloatArray, y_items: FloatArray, n_resamples: int, *, rng: np.random.Generator
) -> LineSamples:
    """Resample models and items together.

    Resample b draws models from item resample ``b mod len(x_items)``.  The observed accuracies hold
    sampling noise already, so the result is slightly wide rather than too narrow.
    """
    n_items, n_models = x_items.shape
    x0, y0 = float(x_items.mean()), float(y_items.mean())
    x, y = x_items - x0, y_items - y0
    terms = np.stack([x, y, x * x, x * y], axis=2)
    sums = np.empty((n_resamples, 4))
    start = 0
    for draw in model_draws(n_models, n_resamples, rng=rng):
        rows = (start + np.arange(len(draw))) % n_items
        sums[start : start + len(draw)] = terms[rows[:, None], draw].sum(axis=1)
        start += len(draw)
    return _lines_from_sums(sums, n_models, x0, y0)


def band(samples: LineSamples, grid: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Pointwise confidence band of the line on a grid.

    At every grid point the bounds are order statistics of the bootstrap lines (rounded outward, as
    in `percentile_interval`).  The band is pointwise, not simultaneous.

    Parameters
    ----------
    grid
        Increasing x values on the scale of the fit, shape (g,).
    """
    grid = np.asarray(grid, dtype=float)
    if grid.ndim != 1 or grid.size == 0 or np.any(np.diff(grid) < 0):
        raise ValueError("grid must be a non-empty, increasing vector")
    count = samples.slope.size
    if count < 2:
        raise ValueError("a band needs at least two lines")
    rank_low, rank_high = outward_ranks(count, level=level)
    low, high = np.empty(grid.size), np.empty(grid.size)
    values = np.empty(count)
    for i, x in enumerate(grid):
        np.multiply(samples.slope, x, out=values)
        values += samples.intercept
        # Two selections are several times faster than one partition with two positions.
        values.partition(rank_low)
        low[i] = values[rank_low]
        # What lies below needs no second look; the upper rank is counted from the end.
        above = values[rank_low + 1 :] if rank_high > rank_low else values
        above.partition(rank_high - count)
        high[i] = above[rank_high - count]
    return Interval(low, high)


def leverage_one_out(x: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
    """Slope of the line when each model in turn is left out, shape (models,).

    Raises
    ------
    ValueError
        With fewer than 4 models.
    """
    x, y = _points(x, y)
    if x.size < MIN_MODELS + 1:
        raise ValueError("leaving one out needs at least 4 models")
    m = x.size - 1
    dx, dy = x - x.mean(), y - y.mean()
    sx, sy = dx.sum() - dx, dy.sum() - dy
    sxx, sxy = dx @ dx - dx * dx, dx @ dy - dx * dy
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((m * sxy - sx * sy) / (m * sxx - sx * sx), dtype=float)


def _points(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError("x and y must be vectors of one length")
    if x.size < MIN_MODELS:
        raise ValueError(f"a line needs at least {MIN_MODELS} models, not {x.size}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("points must be finite; clip accuracies of 0 and 1 first")
    if np.ptp(x) == 0:
        raise ValueError("all models have the same old accuracy; no line exists")
    return x, y


def _sum_rows(terms: FloatArray, draw: npt.NDArray[np.int64], out: FloatArray) -> None:
    # Counting how often each model is drawn turns four gathers into one small matrix product.
    n_models = len(terms)
    offsets = draw + np.arange(len(draw))[:, None] * n_models
    counts = np.bincount(offsets.ravel(), minlength=len(draw) * n_models)
    np.matmul(counts.reshape(len(draw), n_models).astype(float), terms, out=out)


def _lines_from_sums(sums: FloatArray, m: int, x0: float, y0: float) -> LineSamples:
    sx, sy, sxx, sxy = sums.T
    scale = m * sxx
    denominator = scale - sx * sx
    ok = denominator > 1e-12 * np.maximum(scale, np.finfo(float).tiny)
    sx, sy, sxy, denominator = sx[ok], sy[ok], sxy[ok], denominator[ok]
    slope = (m * sxy - sx * sy) / denominator
    # Back from centred coordinates: y - y0 = a + b (x - x0).
    intercept = (sy - slope * sx) / m + y0 - slope * x0
    n_degenerate = int(len(ok) - np.count_nonzero(ok))
    return LineSamples(slope, intercept, sx / m + x0, sy / m + y0, n_degenerate)
