"""How well predictions of a probe do on a validation or a test set."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import UsageError
from freshset.stats.average_precision import mean_average_precision
from freshset.stats.means import Sampling

Metric = Literal["top1", "mean-per-class", "map11"]


def check_metric(metric: Metric, *, multilabel: bool) -> None:
    """Refuse a metric that does not fit the labels.

    Raises
    ------
    UsageError
        For an unknown metric, and for one of single labels with several labels or the reverse.
    """
    if metric not in {"top1", "mean-per-class", "map11"}:
        raise UsageError(f"No metric {metric!r}.", "Choose top1, mean-per-class or map11.")
    if multilabel != (metric == "map11"):
        kind = "several classes an example" if multilabel else "one class an example"
        fits = "map11" if multilabel else "top1 or mean-per-class"
        raise UsageError(f"The metric {metric} does not fit labels of {kind}.", f"Use {fits}.")


def score(
    logits: npt.NDArray[Any],
    classes: npt.NDArray[np.int64],
    labels: npt.NDArray[Any],
    metric: Metric,
    ignored: npt.NDArray[np.bool_] | None = None,
) -> float:
    """Score of a classifier.

    Parameters
    ----------
    logits
        Shape (classes, n).
    classes
        Class ids of the rows, shape (classes,).
    labels
        Class ids, shape (n,), or bool, shape (n, classes).
    metric
        ``top1``: share of right answers.  ``mean-per-class``: mean over the classes that occur of the
        share of right answers.  ``map11``: mean over classes of the 11-point interpolated average
        precision (Everingham and others (2010), International Journal of Computer Vision 88:303).
    ignored
        Decisions that do not count, shape (n, classes), for ``map11``: behind all others they change
        neither precision nor recall of any class.

    Returns
    -------
    float
        A fraction.
    """
    if metric == "map11":
        scores = logits.T
        if ignored is not None:
            scores, labels = np.where(ignored, -np.inf, scores), labels & ~ignored
        return mean_average_precision(scores, labels, Sampling(rng=None))[0].value
    return share_right(classes[logits.argmax(axis=0)] == labels, labels, metric)


def share_right(
    right: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], metric: Metric
) -> float:
    """Score of answers to examples of one class, each right or wrong.

    Parameters
    ----------
    right, labels
        Shape (n,).
    metric
        ``top1`` or ``mean-per-class``; see `score`.
    """
    if metric == "top1":
        return float(right.mean())
    _, ids, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return float((np.bincount(ids, weights=right) / sizes).mean())
