"""Does accuracy on the source benchmark predict accuracy after transfer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from freshset.stats.intervals import percentile_interval
from freshset.stats.ranks import spearman
from freshset.stats.transfer_means import complete_table
from freshset.stats.types import Estimate, FloatArray, check_level, none_if_nan

Over = Literal["models", "datasets", "both"]
MIN_MODELS = 3
# Resamples of fewer models are so often two or three different ones that their percentiles reach from
# -1 to 1, whatever the data.
_FEW = 10


@dataclass(frozen=True, slots=True)
class SourceCorrelation:
    """Correlation over models of source accuracy with mean transfer accuracy, in log odds.

    Attributes
    ----------
    r, r2
        Pearson's correlation and its square, with intervals; nan when one side is constant, and
        without bounds where there is nothing to resample.
    spearman
        Rank correlation.
    over
        What the intervals resample: models, data sets or both.
    n_models, n_datasets
        How many there are.
    """

    r: Estimate
    r2: Estimate
    spearman: float
    over: Over
    n_models: int
    n_datasets: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "r": self.r.to_dict(),
            "r2": self.r2.to_dict(),
            "spearman": none_if_nan(self.spearman),
            "over": self.over,
            "n_models": self.n_models,
            "n_datasets": self.n_datasets,
        }


def source_correlation(
    source: FloatArray,
    transfer: FloatArray,
    *,
    rng: np.random.Generator,
    over: Over = "both",
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> SourceCorrelation:
    """Correlate source accuracy with the mean over data sets.

    Parameters
    ----------
    source
        Log odds of the source accuracy, shape (models,).
    transfer
        Log odds on the data sets, shape (models, data sets).
    over
        ``models``: other networks might have been tested.  ``datasets``: other data sets might have;
        the networks stay.  ``both`` draws models and data sets independently.

    Returns
    -------
    SourceCorrelation
        Intervals are percentiles of the resampled correlations, widened for the small number of what is
        resampled as Student's interval of a mean is; over data sets alone they are mirrored at the
        observed correlation on Fisher's scale, since what data sets add weakens it twice otherwise.
        With fewer than ten models the interval over models is Fisher's, and over both his variance and
        that over resampled data sets are added; with three models nothing is excluded.

    Raises
    ------
    ValueError
        With fewer than three models, values that are not finite, or shapes that do not fit.

    Notes
    -----
    At a nominal .95 intervals over models cover .93 to .95 with 16 models, .95 to .96 with 10 and .94 to
    .96 with 60; over both .95 to .96; over 12 data sets .93 to .95, over 5 data sets .90 to .93
    (simulated, true correlations 0, .5 and .9; see the page on transfer statistics).  With 4 to 8
    models intervals over models cover .93 to .98 and over both .95 to .99.
    Networks of one family are no independent sample: see `within_families`.

    References
    ----------
    Kornblith, Shlens and Le (2019), arXiv 1805.08974, for the correlation; Efron and Tibshirani (1993),
    "An introduction to the bootstrap", chapter 13; Hesterberg (2015), The American Statistician 69:371.
    """
    x, table = _pairs(source, transfer)
    check_level(level)
    if over not in {"models", "datasets", "both"}:
        raise ValueError(f"cannot resample {over!r}")
    models, datasets = table.shape
    r = _correlation(x, table.mean(axis=1))
    if models < _FEW and over != "datasets":
        draws = _resampled(x, table, "datasets", n_resamples, rng) if over == "both" else None
        bounds = _fisher_bounds(r, models, draws, level)
    else:
        draws = _resampled(x, table, over, n_resamples, rng)
        expanded = _expanded(level, datasets if over == "datasets" else models)
        bounds = _bounds(r, draws, expanded, mirrored=over == "datasets")
    square = _squared(r, bounds)
    rho = spearman(x, table.mean(axis=1))
    return SourceCorrelation(Estimate(r, *bounds), square, rho, over, models, datasets)


def within_families(source: FloatArray, transfer: FloatArray, families: Sequence[str]) -> float:
    """Correlation within families of models: what is left when each family's mean is taken out.

    Parameters
    ----------
    source
        Log odds of the source accuracy, shape (models,).
    transfer
        Log odds on the data sets, shape (models, data sets), or their means, shape (models,).
    families
        Name of each model's family; a family of one model adds nothing.

    Returns
    -------
    float
        Partial correlation given the family; nan when no family has two models, or when one side does
        not vary within any.

    Raises
    ------
    ValueError
        As `source_correlation`.
    """
    table = np.asarray(transfer, dtype=float)
    x, table = _pairs(source, table[:, None] if table.ndim == 1 else table)
    if len(families) != len(x):
        raise ValueError("need one family for each model")
    y = table.mean(axis=1)
    _, ids = np.unique(np.asarray(families, dtype=str), return_inverse=True)
    sizes = np.bincount(ids)

    def inside(values: FloatArray) -> FloatArray:
        return np.asarray(values - (np.bincount(ids, weights=values) / sizes)[ids])

    return _correlation(inside(x), inside(y))


def _pairs(source: FloatArray, transfer: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, table = np.asarray(source, dtype=float), complete_table(transfer)
    if x.shape != table.shape[:1]:
        raise ValueError("need one source accuracy for each model")
    if not np.isfinite(x).all():
        raise ValueError("source accuracies must be finite; clamp 0 and 1 first")
    if len(x) < MIN_MODELS:
        raise ValueError(f"a correlation needs at least {MIN_MODELS} models, not {len(x)}")
    return x, table


def _correlation(x: FloatArray, y: FloatArray) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    size = float(np.sqrt((dx @ dx) * (dy @ dy)))
    # What rounding leaves of a constant is no variation.
    least = 1e-24 * max(float(x @ x) * float(y @ y), 1e-300)
    return float(np.clip(dx @ dy / size, -1, 1)) if size**2 > least else float("nan")


def _resampled(
    x: FloatArray, table: FloatArray, over: Over, n_resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Correlations of resamples, without those in which one side is constant."""
    models, datasets = table.shape
    if n_resamples < 2:
        raise ValueError("a bootstrap needs at least two resamples")
    shape = (n_resamples, datasets)
    if over == "models":
        y = np.broadcast_to(table.mean(axis=1), (n_resamples, models))
    elif datasets < 2:
        return np.empty(0)  # one data set has no spread to resample
    else:
        picks = rng.integers(0, datasets, size=shape)
        rows = np.arange(n_resamples)[:, None]
        weights = np.zeros(shape)
        np.add.at(weights, (rows, picks), 1 / datasets)
        y = weights @ table.T
    chosen = np.broadcast_to(np.arange(models), (n_resamples, models))
    if over != "datasets":
        chosen = rng.integers(0, models, size=(n_resamples, models))
    dx = x[chosen]
    dy = np.take_along_axis(y, chosen, axis=1)
    dx = dx - dx.mean(axis=1, keepdims=True)
    dy = dy - dy.mean(axis=1, keepdims=True)
    size = np.sqrt((dx * dx).sum(axis=1) * (dy * dy).sum(axis=1))
    varies = size > 1e-12 * max(float(size.max()), 1e-300)
    r = (dx * dy).sum(axis=1)[varies] / size[varies]
    return np.asarray(np.clip(r, -1, 1))


def _expanded(level: float, n: int) -> float:
    """Level to ask of percentiles so that few models or data sets still cover nominally."""
    if n < 2:
        return level
    t = float(special.stdtrit(n - 1, 1 - (1 - level) / 2))
    tail = float(special.ndtr(-t * np.sqrt(n / (n - 1))))
    return min(1 - 2 * tail, float(np.nextafter(1, 0)))


def _bounds(r: float, draws: FloatArray, level: float, *, mirrored: bool) -> tuple[float, float]:
    if not np.isfinite(r) or len(draws) < 2:
        return float("nan"), float("nan")
    # Two different models lie on a line: correlations of 1 stay finite on Fisher's scale.
    z = np.arctanh(np.clip(draws, -1 + 1e-12, 1 - 1e-12))
    if mirrored:
        # What the data sets add to a mean weakens a correlation, and resampling them does it again.
        z = 2 * np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)) - z
    interval = percentile_interval(z, level=level)
    return float(np.tanh(interval.low)), float(np.tanh(interval.high))


def _fisher_bounds(
    r: float, models: int, draws: FloatArray | None, level: float
) -> tuple[float, float]:
    """Fisher's interval, wider by the spread of correlations over resampled data sets if given."""
    if not np.isfinite(r) or (draws is not None and len(draws) < 2):
        return float("nan"), float("nan")
    if models == MIN_MODELS:
        return -1.0, 1.0
    variance = 1 / (models - 3)
    if draws is not None:
        variance += float(np.arctanh(np.clip(draws, -1 + 1e-12, 1 - 1e-12)).var())
    half = float(special.ndtri(1 - check_level(level) / 2)) * np.sqrt(variance)
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def _squared(r: float, bounds: tuple[float, float]) -> Estimate:
    low, high = bounds
    if np.isnan(low):
        return Estimate(r * r, low, high)
    inside = 0.0 if low <= 0 <= high else min(low * low, high * high)
    return Estimate(r * r, inside, max(low * low, high * high))


def fisher_interval(r: float, n_models: int, *, level: float = 0.95) -> Estimate:
    """Correlation with the interval that bivariate normal models would have.

    Raises
    ------
    ValueError
        With fewer than four models, or a correlation outside [-1, 1].

    References
    ----------
    Fisher (1921), Metron 1:3.
    """
    if n_models < 4 or not -1 <= r <= 1:
        raise ValueError("need at least 4 models and a correlation between -1 and 1")
    return Estimate(r, *_fisher_bounds(r, n_models, None, level))
