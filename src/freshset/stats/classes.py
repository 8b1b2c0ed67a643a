"""Signs that predicted class ids live in another class order than the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from freshset.stats.types import IntArray

# A gain must be this large, in points of accuracy and in standard errors, to be called a mismatch.
_MIN_GAIN = 0.05
_MIN_Z = 5.0
# The assignment problem needs a dense classes x classes matrix.
_MAX_CLASSES = 4_000


@dataclass(frozen=True, slots=True)
class ClassOrder:
    """A permutation of class ids under which accuracy jumps.

    Attributes
    ----------
    permutation
        ``permutation[p]`` is the class that prediction p seems to mean, shape (classes,).
    accuracy, permuted_accuracy
        On the half of the items that the permutation was not chosen on.
    kind
        ``string-sorted`` (0, 1, 10, 100, ...), ``shifted`` (one off, as with a background class) or
        ``other``.
    """

    permutation: IntArray
    accuracy: float
    permuted_accuracy: float
    kind: str


def class_order_mismatch(
    predictions: IntArray, labels: IntArray, n_classes: int, *, rng: np.random.Generator
) -> ClassOrder | None:
    """Look for a permutation of class ids that explains the labels much better than none.

    The permutation is chosen on a random half of the items and judged on the other, since with few
    items a class some permutation always looks better on the items it was chosen on.

    Parameters
    ----------
    predictions, labels
        Class ids in 0 .. n_classes - 1, shape (items,).

    Returns
    -------
    ClassOrder or None
        ``None`` when no permutation gains at least 5 points and 5 standard errors.
    """
    n = len(labels)
    chosen = rng.permutation(n) < n // 2
    shape = (n_classes, n_classes)
    ones = np.ones(int(chosen.sum()))
    # Rows are predictions, columns labels.
    table = sparse.csr_array((ones, (predictions[chosen], labels[chosen])), shape=shape)
    test_predictions, test_labels = predictions[~chosen], labels[~chosen]
    # Free choice of a label per prediction is cheap; a permutation comes after it is promising.
    best = np.asarray(table.argmax(axis=1)).ravel()
    if _gain(best, test_predictions, test_labels) < _MIN_GAIN or n_classes > _MAX_CLASSES:
        return None
    rows, columns = optimize.linear_sum_assignment(table.toarray(), maximize=True)
    permutation = np.empty(n_classes, dtype=np.int64)
    permutation[rows] = columns
    gain = _gain(permutation, test_predictions, test_labels)
    before = float(np.mean(test_predictions == test_labels))
    after = float(np.mean(permutation[test_predictions] == test_labels))
    error = np.sqrt((before * (1 - before) + after * (1 - after)) / len(test_labels))
    if gain < _MIN_GAIN or gain < _MIN_Z * error:
        return None
    kind = _kind(permutation, np.bincount(predictions[chosen], minlength=n_classes))
    return ClassOrder(permutation, before, after, kind)


def histogram_distance(predictions: IntArray, labels: IntArray, n_classes: int) -> float:
    """Total variation distance between predicted and true class frequencies, in [0, 1]."""
    predicted = np.bincount(predictions, minlength=n_classes) / len(predictions)
    true = np.bincount(labels, minlength=n_classes) / len(labels)
    return float(np.abs(predicted - true).sum() / 2)


def _gain(mapping: IntArray, predictions: IntArray, labels: IntArray) -> float:
    return float(np.mean(mapping[predictions] == labels) - np.mean(predictions == labels))


def _kind(permutation: IntArray, weight: IntArray) -> str:
    n = len(permutation)
    by_string = np.array(sorted(range(n), key=str))
    identity = np.arange(n)
    candidates = {
        "string-sorted": (by_string, np.argsort(by_string)),
        "shifted": (np.roll(identity, 1), np.roll(identity, -1)),
    }
    # Classes that stay put say nothing: up to 10 of them, sorting by string moves none.
    weight = np.where(permutation == identity, 0, weight)
    for name, options in candidates.items():
        for option in options:
            if weight[permutation == option].sum() > 0.7 * weight.sum():
                return name
    return "other"
