"""How far the best of many scores on one test set can be above its truth.

All bounds are one-sided, in fractions, and hold with probability ``level`` for all models at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log, sqrt

import numpy as np

from freshset.stats.agreement import similarity
from freshset.stats.intervals import outward_ranks
from freshset.stats.resampling import resampled_hits
from freshset.stats.types import BoolArray, FloatArray, check_level

# Similarities at which covers are tried; fixed beforehand, so that each takes its share of the error.
ETAS = (0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995)


@dataclass(frozen=True, slots=True)
class CoverBound:
    """The similarity-aware bound.

    Attributes
    ----------
    bound
        Fraction.
    eta
        Similarity of the cover that gave it; 1 where every model is its own centre.
    size
        Centres of this cover.
    models
        Models in all.
    """

    bound: float
    eta: float
    size: int
    models: int


def union_bound(models: float, n: int, *, level: float = 0.95) -> float:
    """Bound for models that were fixed before the test set was looked at.

    Notes
    -----
    ``sqrt(ln(k / delta) / (2 n))`` (Hoeffding and a union over k models), delta = 1 - level; at most 1.
    """
    delta = check_level(level)
    if models < 1 or n < 1:
        raise ValueError("need at least one model and one example")
    return min(1.0, sqrt(log(models / delta) / (2 * n)))


def transcript_bound(log_transcripts: float, n: int, *, level: float = 0.95) -> float:
    """Bound for models of which each was chosen by all the answers before it, in the worst way.

    Parameters
    ----------
    log_transcripts
        Natural logarithm of the number of all sequences of answers that could have been given; see
        `log_transcripts`.

    Notes
    -----
    A deterministic analyst submits one model for each sequence of answers so far, so a union over the
    sequences is a union over all models that could have come up.
    Blum and Hardt (2015) bound the Ladder in this way.
    """
    delta = check_level(level)
    if log_transcripts < 0 or n < 1:
        raise ValueError("need at least one sequence of answers and one example")
    return min(1.0, sqrt((log_transcripts + log(1 / delta)) / (2 * n)))


def log_transcripts(looks: int, answers: int, *, changes: int | None = None) -> float:
    """Logarithm of the number of sequences of answers before the last look, and of looks at the end.

    Parameters
    ----------
    looks
        Submissions, k.
    answers
        Different answers that one look can give.
    changes
        For a Ladder, how often its answer can change; ``None`` where every look gets an answer.

    Notes
    -----
    ``sum over t <= k of answers^(t-1)``, at most ``k answers^(k-1)``; for a Ladder with at most a
    changes ``k sum over j <= a of C(k, j) answers^j``.
    """
    if looks < 1 or answers < 1:
        raise ValueError("need at least one look and one answer")
    if changes is None:
        return log(looks) + (looks - 1) * log(answers)
    terms = [
        lgamma(looks + 1) - lgamma(j + 1) - lgamma(looks - j + 1) + j * log(answers)
        for j in range(min(changes, looks) + 1)
    ]
    return log(looks) + float(np.logaddexp.reduce(terms))


def similarity_cover(similar: FloatArray, eta: float) -> tuple[int, ...]:
    """Models such that every model is at least ``eta`` similar to one of them, chosen greedily.

    Parameters
    ----------
    similar
        Shape (models, models), from `freshset.stats.agreement.similarity`.

    References
    ----------
    Mania et al. (2019), "Model similarity mitigates test set overuse", for the notion.
    """
    if similar.ndim != 2 or similar.shape[0] != similar.shape[1] or not len(similar):
        raise ValueError("similarity must have shape (models, models)")
    near = similar >= eta
    np.fill_diagonal(near, val=True)
    open_, centres = np.ones(len(near), dtype=bool), []
    while open_.any():
        gain = (near & open_).sum(axis=1)
        best = int(gain.argmax())
        centres.append(best)
        open_ &= ~near[best]
    return tuple(centres)


def cover_bound(correct: BoolArray, *, level: float = 0.95) -> CoverBound:
    """Bound that counts similar models less: a union over a cover, and one over what is left.

    Parameters
    ----------
    correct
        Shape (models, items).

    Notes
    -----
    For a model f and its centre c with similarity at least eta, the excess of f is that of c plus the
    mean of a variable in {-1, 0, 1} of variance at most ``v = 1 - eta``.  With N centres, k models, G
    values of eta tried and ``d = delta / (2 G)``:
    ``sqrt(ln(N/d) / (2n)) + sqrt(2 v ln(k/d) / n) + 4 ln(k/d) / (3n)`` (Hoeffding, and Bernstein for the
    difference).  The plain union bound with delta / G is one of those tried.  Similarities
    are taken as known, as in the paper; here they are measured on the same items.
    """
    delta = check_level(level)
    k, n = _shape(correct)
    similar = similarity(correct)
    d = delta / (2 * (len(ETAS) + 1))
    best = CoverBound(union_bound(k, n, level=1 - 2 * d), 1.0, k, k)
    spread = log(k / d)
    for eta in ETAS:
        size = len(similarity_cover(similar, eta))
        value = sqrt(log(size / d) / (2 * n)) + sqrt(2 * (1 - eta) * spread / n)
        value = min(1.0, value + 4 * spread / (3 * n))
        if value < best.bound:
            best = CoverBound(value, eta, size, k)
    return best


def resampled_bound(
    correct: BoolArray, *, rng: np.random.Generator, level: float = 0.95, n_resamples: int = 2000
) -> float:
    """Quantile of the largest excess of any model, over resamples of the items that all share.

    It uses the models' similarity as it is and no inequality, and is much smaller than the bounds; for
    many items it holds for models that were fixed before.

    Parameters
    ----------
    correct
        Shape (models, items).
    """
    _, n = _shape(correct)
    hits = resampled_hits(correct, n_resamples, rng=rng)
    excess = np.sort((hits - correct.sum(axis=1)).max(axis=1))
    # One-sided: the upper end of an interval with twice the error.
    _, high = outward_ranks(n_resamples, level=1 - 2 * check_level(level))
    return float(excess[high] / n)


def _shape(correct: BoolArray) -> tuple[int, int]:
    if correct.ndim != 2 or not correct.size:
        raise ValueError("correct must have shape (models, items)")
    return correct.shape[0], correct.shape[1]
