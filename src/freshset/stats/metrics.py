"""The metrics by name: what each needs, how it is computed, and its interval."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.stats.average_precision import mean_average_precision
from freshset.stats.calibration import (
    BINS,
    calibration_error,
    equal_mass_bins,
    equal_width_bins,
)
from freshset.stats.means import (
    Measured,
    Sampling,
    bounded_mean,
    class_mean,
    proportion,
    ratio,
    without_interval,
)
from freshset.stats.predictions import Predictions
from freshset.stats.types import Estimate, FloatArray, IntArray

# Rows of full scores held at a time.
_ROWS = 4_096
# What half precision may take from the sum of the probabilities of thousands of classes.
_SUM_SLACK = 5e-3


@dataclass(frozen=True, slots=True)
class MetricValue(Estimate):
    """A metric of one model on one test set or on part of it.

    Attributes
    ----------
    value, low, high
        In the unit of the metric; the bounds are nan where there is no interval.
    name
        Of the metric.
    method
        How the interval was made, in words, or ``none:`` and why there is none.
    n
        Items scored.
    level
        Confidence level of the interval.
    """

    name: str
    method: str
    n: int
    level: float = 0.95

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; an absent bound is ``None``."""
        rest = {name: getattr(self, name) for name in ("method", "n", "level")}
        return {"name": self.name} | Estimate.to_dict(self) | rest


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: a function of predictions, and what there is to know about it.

    Attributes
    ----------
    name
        As it is asked for, for example ``top1``.
    title
        For people; states whatever the number depends on, such as the bins.
    needs
        Columns of `Predictions` that must be there.
    better
        Whether a higher or a lower value is better.
    unit
        Of value and bounds.
    function
        From predictions to the estimate and the method of its interval.
    per_item
        Whether the value is the mean of one number an item.
    k
        Ordered predictions an item that it looks at; 0 where it looks at none.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    better: Literal["higher", "lower"]
    unit: str
    function: Callable[[Predictions, Sampling], Measured]
    per_item: bool = True
    k: int = 0

    def lacks(self, predictions: Predictions) -> str:
        """Say what keeps the metric from being computed, and what to do; empty when nothing does."""
        if missing := predictions.lacks(self.needs):
            return f"{self.name} {missing}"
        if self.k > predictions.depth:
            return (
                f"{self.name} needs {self.k} ordered predictions an item, and "
                f"{predictions.depth} can be had; import or save more of them"
            )
        if self.k and 0 < (predictions.n_classes or 0) <= self.k:
            return f"{self.name} is always right among {predictions.n_classes} classes; take fewer"
        return ""


def evaluate(
    metric: Metric | str,
    predictions: Predictions,
    *,
    rng: np.random.Generator | None,
    level: float = 0.95,
    n_resamples: int = 2_000,
) -> MetricValue:
    """Compute a metric with its interval.

    Parameters
    ----------
    metric
        A metric, or its name.
    rng
        Source of the draws; ``None`` leaves out the intervals that need any, which is much faster.
    level
        Confidence level.
    n_resamples
        Resamples of the intervals that are bootstrapped.

    Raises
    ------
    ValueError
        For an unknown name, a column that is missing (says how to come by it), or a metric that is
        not defined on these items.
    """
    chosen = find_metric(metric) if isinstance(metric, str) else metric
    if lacks := chosen.lacks(predictions):
        raise ValueError(lacks)
    sampling = Sampling(rng, level, n_resamples)
    estimate, method = chosen.function(predictions, sampling)
    bounds = (estimate.value, estimate.low, estimate.high)
    return MetricValue(*bounds, chosen.name, method, predictions.n, level)


def find_metric(name: str) -> Metric:
    """Return the metric of that name; ``top`` and any number is one, for example ``top3``."""
    if name in METRICS:
        return METRICS[name]
    if found := re.fullmatch(r"top([1-9]\d{0,4})", name):
        return topk(int(found[1]))
    raise ValueError(f"no metric is called {name!r}; known: {', '.join(METRICS)} and top<k>")


def topk(k: int) -> Metric:
    """Return the metric "a right class is among the first k predictions"."""
    title = "accuracy of the first prediction" if k == 1 else f"a right class among the first {k}"
    function = partial(_topk, k=k)
    return Metric(f"top{k}", title, ("rank",), "higher", "fraction", function, k=k)


def _topk(predictions: Predictions, sampling: Sampling, *, k: int) -> Measured:
    rank = predictions.column("rank")
    return proportion((rank >= 1) & (rank <= k), sampling)


def _mean_per_class(predictions: Predictions, sampling: Sampling) -> Measured:
    return class_mean(predictions.column("rank") == 1, predictions.column("label"), sampling)


def _balanced(predictions: Predictions, sampling: Sampling) -> Measured:
    classes = predictions.n_classes or 0
    if classes < 2:
        raise ValueError(f"balanced needs two classes or more, not {classes}")
    estimate, method = _mean_per_class(predictions, sampling)
    bounds = (estimate.value, estimate.low, estimate.high)
    return Estimate(*((bound * classes - 1) / (classes - 1) for bound in bounds)), method


def _nll(predictions: Predictions, sampling: Sampling) -> Measured:
    surprise = -predictions.column("label_logprob").astype(np.float64)
    return ratio(np.maximum(surprise, 0), np.ones(predictions.n), sampling)


def _calibration(
    predictions: Predictions,
    sampling: Sampling,
    *,
    binning: Callable[[FloatArray], IntArray],
    bins: str,
) -> Measured:
    confidence = np.minimum(predictions.column("topk_prob")[:, 0].astype(np.float64), 1.0)
    correct = predictions.column("rank") == 1
    estimate, method = calibration_error(correct, confidence, binning(confidence), sampling)
    return estimate, f"{method}; {bins}"


def _brier(predictions: Predictions, sampling: Sampling) -> Measured:
    scores, label = predictions.column("scores"), predictions.column("label")
    items = np.empty(predictions.n)
    for start in range(0, predictions.n, _ROWS):
        rows = slice(start, start + _ROWS)
        items[rows] = _brier_items(scores[rows], label[rows], start)
    # No item is further off than 2: all probability on one wrong class.
    half, method = bounded_mean(np.clip(items / 2, 0, 1), sampling)
    return Estimate(2 * half.value, 2 * half.low, 2 * half.high), method


def _brier_items(scores: npt.NDArray[Any], label: IntArray, first_row: int) -> FloatArray:
    p = scores.astype(np.float64)
    total = p.sum(axis=1)
    bad = ~((p >= 0).all(axis=1) & (np.abs(total - 1) <= _SUM_SLACK))
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"brier needs probabilities: row {first_row + row} of scores adds up to "
            f"{total[row]:.4g} with a least value of {p[row].min():.4g}; take the softmax of logits"
        )
    given = p[np.arange(len(p)), label]
    return np.asarray(np.einsum("ij,ij->i", p, p) - 2 * given + 1)


def _map11(predictions: Predictions, sampling: Sampling) -> Measured:
    scores, truth = predictions.column("scores"), predictions.column("truth")
    return mean_average_precision(scores, truth, sampling)


def _exact_match(predictions: Predictions, sampling: Sampling) -> Measured:
    return proportion(predictions.column("exact_match"), sampling)


def _f1(predictions: Predictions, sampling: Sampling) -> Measured:
    return bounded_mean(predictions.column("f1"), sampling)


def _likelihood(
    predictions: Predictions,
    sampling: Sampling,
    *,
    per: str,
    transform: Callable[[FloatArray], FloatArray],
) -> Measured:
    nll = np.maximum(predictions.column("nll").astype(np.float64), 0)
    length = predictions.column(per).astype(np.float64)
    if not length.any():
        return without_interval(float("nan"), f"no document has any {per}")
    return ratio(nll, length, sampling, transform)


def _bits(nats: FloatArray) -> FloatArray:
    return np.asarray(nats / np.log(2))


_WIDTH, _MASS = f"{BINS} bins of equal width", f"{BINS} bins of equally many items"
_CONFIDENT = ("rank", "topk_prob")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        topk(1),
        topk(5),
        Metric(
            "mean-per-class",
            "mean over classes of the accuracy within each",
            ("rank", "label"),
            "higher",
            "fraction",
            _mean_per_class,
            per_item=False,
        ),
        Metric(
            "balanced",
            "mean per-class accuracy, 0 at chance",
            ("rank", "label", "n_classes"),
            "higher",
            "fraction",
            _balanced,
            per_item=False,
        ),
        Metric(
            "nll",
            "negative log-likelihood of the label",
            ("label_logprob",),
            "lower",
            "nats an item",
            _nll,
        ),
        Metric(
            "ece",
            f"expected calibration error, {_WIDTH}",
            _CONFIDENT,
            "lower",
            "fraction",
            partial(_calibration, binning=equal_width_bins, bins=_WIDTH),
            per_item=False,
        ),
        Metric(
            "ece-adaptive",
            f"expected calibration error, {_MASS}",
            _CONFIDENT,
            "lower",
            "fraction",
            partial(_calibration, binning=equal_mass_bins, bins=_MASS),
            per_item=False,
        ),
        Metric(
            "brier",
            "squared distance of the probabilities from the label, summed over classes",
            ("scores", "label"),
            "lower",
            "0 to 2",
            _brier,
        ),
        Metric(
            "map11",
            "mean over classes of the 11-point interpolated average precision",
            ("scores", "truth"),
            "higher",
            "fraction",
            _map11,
            per_item=False,
        ),
        Metric(
            "exact-match",
            "answers that equal a reference answer",
            ("exact_match",),
            "higher",
            "fraction",
            _exact_match,
        ),
        Metric(
            "f1", "overlap of answers with reference answers", ("f1",), "higher", "fraction", _f1
        ),
        Metric(
            "perplexity",
            "exponential of the negative log-likelihood a token",
            ("nll", "tokens"),
            "lower",
            "choices a token",
            partial(_likelihood, per="tokens", transform=np.exp),
            per_item=False,
        ),
        Metric(
            "bits-per-byte",
            "negative log-likelihood in bits a byte of text",
            ("nll", "bytes"),
            "lower",
            "bits a byte",
            partial(_likelihood, per="bytes", transform=_bits),
            per_item=False,
        ),
    )
}
