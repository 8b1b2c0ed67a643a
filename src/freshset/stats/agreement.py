"""How alike models are, and what their agreement on unlabelled data predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from freshset.stats.fits import clip_accuracy, fit_line
from freshset.stats.types import BoolArray, FloatArray, IntArray

# Pairs that agree on almost nothing or almost everything tell little about the line.
_KEEP_LOW, _KEEP_HIGH = 0.05, 0.98


def similarity(correct: BoolArray) -> FloatArray:
    """Share of items on which two models are both right or both wrong.

    Parameters
    ----------
    correct
        Shape (models, items).

    Returns
    -------
    ndarray, shape (models, models)
        1 on the diagonal.  Independent models would give ``p q + (1-p)(1-q)``.

    References
    ----------
    Mania et al. (2019), "Model similarity mitigates test set overuse".
    """
    hits = correct.astype(np.float32)
    n = correct.shape[1]
    both = (hits @ hits.T).astype(np.float64)
    right = np.diag(both)
    return np.asarray((n - right[:, None] - right[None, :] + 2 * both) / n)


def independent_similarity(accuracy: FloatArray) -> FloatArray:
    """Similarity that models of these accuracies would have if they erred independently."""
    p = np.asarray(accuracy, dtype=float)
    return np.asarray(np.outer(p, p) + np.outer(1 - p, 1 - p))


def mean_over_pairs(matrix: FloatArray) -> float:
    """Mean over the pairs i < j of a symmetric matrix."""
    if len(matrix) < 2:
        raise ValueError("need at least two models")
    return float(matrix[np.triu_indices(len(matrix), k=1)].mean())


def agreement(predictions: IntArray) -> FloatArray:
    """Share of items on which two models predict the same class; labels are not needed.

    Parameters
    ----------
    predictions
        Class ids, shape (models, items).

    Returns
    -------
    ndarray, shape (models, models)
    """
    m, n = predictions.shape
    out = np.eye(m)
    for i in range(m - 1):
        out[i, i + 1 :] = np.count_nonzero(predictions[i + 1 :] == predictions[i], axis=1) / n
    return np.asarray(np.maximum(out, out.T))


def agreement_off_right(predictions: IntArray, labels: IntArray) -> FloatArray:
    """Agreement on the items that not both models get right, shape (models, models).

    Two strong models agree often because both are right; near-clones also agree where they err.
    Pairs that are both right everywhere get 0, since nothing can be said of their errors.
    """
    m, n = predictions.shape
    right = predictions == labels
    out = np.eye(m)
    same = agreement(predictions) * n
    hits = right.astype(np.float32)
    both = (hits @ hits.T).astype(np.float64)
    rest = n - both
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(rest > 0, (same - both) / rest, 0.0)
    return np.asarray(np.where(out == 1, 1.0, ratio))


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """Predicted new accuracies from agreement-on-the-line.

    Attributes
    ----------
    slope, bias
        Line through the probit agreements of the pairs.
    n_pairs
        Pairs that were kept (agreement between .05 and .98 on both sets).
    aline_s, aline_d
        Predicted accuracy on the new set, shape (models,), by the two published estimators.
    """

    slope: float
    bias: float
    n_pairs: int
    aline_s: FloatArray
    aline_d: FloatArray


def agreement_on_the_line(
    agreement_old: FloatArray, agreement_new: FloatArray, accuracy_old: FloatArray, n_old: int
) -> AgreementLine:
    """Predict accuracies on an unlabelled new set (ALine-S and ALine-D).

    Parameters
    ----------
    agreement_old, agreement_new
        Shape (models, models), from `agreement`.
    accuracy_old
        Accuracy on the labelled old set, fractions, shape (models,).
    n_old
        Items of the old set; accuracies of 0 and 1 are clipped by it.

    Raises
    ------
    ValueError
        When fewer than 3 pairs remain, or too few to determine ALine-D for every model.

    References
    ----------
    Baek et al. (2022), "Agreement-on-the-line: predicting the performance of neural networks under
    distribution shift", algorithm 1.
    """
    m = len(accuracy_old)
    first, second = np.triu_indices(m, k=1)
    old, new = agreement_old[first, second], agreement_new[first, second]
    keep = (np.minimum(old, new) >= _KEEP_LOW) & (np.maximum(old, new) <= _KEEP_HIGH)
    first, second, old, new = first[keep], second[keep], old[keep], new[keep]
    if len(first) < 3:
        raise ValueError("fewer than 3 pairs of models agree between 5 % and 98 % on both sets")
    old, new = special.ndtri(old), special.ndtri(new)
    line = fit_line(old, new)
    z = special.ndtri(clip_accuracy(accuracy_old, n_old))
    design = np.zeros((len(first), m))
    rows = np.arange(len(first))
    design[rows, first] = design[rows, second] = 0.5
    target = new + line.slope * ((z[first] + z[second]) / 2 - old)
    w, _, rank, _ = np.linalg.lstsq(design, target)
    if rank < m:
        raise ValueError("too few pairs to determine every model's accuracy")
    return AgreementLine(
        slope=line.slope,
        bias=line.intercept,
        n_pairs=len(first),
        aline_s=np.asarray(special.ndtr(line(z))),
        aline_d=np.asarray(special.ndtr(w)),
    )
