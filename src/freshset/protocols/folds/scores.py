"""Scores of predictions: names of scikit-learn's metrics, and intervals on a test set of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.stats.intervals import clopper_pearson, percentile_interval
from freshset.stats.types import Estimate

# name: (function of sklearn.metrics, its options); all but those of NO_PERCENT are shown in percent.
_METRICS: dict[str, tuple[str, dict[str, Any]]] = {
    "accuracy": ("accuracy_score", {}),
    "balanced-accuracy": ("balanced_accuracy_score", {}),
    "f1-macro": ("f1_score", {"average": "macro", "zero_division": 0}),
    "kappa": ("cohen_kappa_score", {}),
    "r2": ("r2_score", {}),
    "mean-absolute-error": ("mean_absolute_error", {}),
    "mean-squared-error": ("mean_squared_error", {}),
}
METRICS = tuple(_METRICS)
NO_PERCENT = ("kappa", "r2", "mean-absolute-error", "mean-squared-error")

_RESAMPLES = 2000

Array = npt.NDArray[Any]


def score_of(metric: str) -> Callable[[Array, Array], float]:
    """Return a function of labels and predictions.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    if metric not in _METRICS:
        raise UsageError(f"Unknown metric {metric!r}.", did_you_mean(metric, METRICS))
    import sklearn.metrics

    name, options = _METRICS[metric]
    function = getattr(sklearn.metrics, name)

    def score(labels: Array, predictions: Array) -> float:
        given = as_labels(labels, predictions)
        try:
            return float(function(labels, given, **options))
        except ValueError as error:
            raise DataError(
                f"These labels and predictions have no {metric}: {error}",
                f"Give the metric that fits them: {', '.join(METRICS)}.",
            ) from error

    return score


def as_labels(labels: Array, predictions: Array) -> Array:
    """Return predictions in the type of the labels.

    Raises
    ------
    DataError
        When a prediction cannot be a label of this kind: a fraction for classes, a text for numbers,
        or a number that is not finite.
    """
    if labels.dtype.kind in "USO":
        return predictions.astype(str)  # never cut to the length of the longest label
    try:
        with np.errstate(invalid="ignore"):
            out = predictions.astype(labels.dtype)
        plain = predictions.astype(float)
        same = bool(np.all(np.isfinite(out) if labels.dtype.kind == "f" else out == plain))
    except (TypeError, ValueError):
        same = False
    if not same:
        raise DataError(
            f"Predictions such as {predictions[0]} are not of the kind of the labels, such as "
            f"{labels[0]}.",
            "Return one label an example, not a probability or a name.",
        )
    return out


def score_with_interval(
    metric: str, labels: Array, predictions: Array, *, rng: np.random.Generator, level: float
) -> Estimate:
    """Score of one model on independent examples.

    Returns
    -------
    Estimate
        Accuracy with its Clopper-Pearson interval; any other metric with the percentile interval of
        2,000 resamples of the examples.
    """
    score = score_of(metric)
    value = score(labels, predictions)
    n = len(labels)
    if metric == "accuracy":
        ci = clopper_pearson(round(value * n), n, level=level)
        return Estimate(value, float(ci.low), float(ci.high))
    draws = rng.integers(0, n, size=(_RESAMPLES, n))
    samples = np.array([score(labels[rows], predictions[rows]) for rows in draws])
    ci = percentile_interval(samples[np.isfinite(samples)], level=level)
    return Estimate(value, float(ci.low), float(ci.high))


def shown(value: float, metric: str, *, change: bool = False) -> str:
    """Format a score, or a change of one, with its unit where it is a share."""
    if metric in NO_PERCENT:
        return f"{value:.3g}"
    return f"{100 * value:.1f}{' points' if change else ' %'}"
