"""Permutation tests of two models on the same items: exchanging their answers item by item.

Exchanging an item's two answers turns the sign of its difference.  Items of one weight only matter by
their number, so the null distribution is a weighted sum of binomial counts, whatever the number of items.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import signal, stats

from freshset.stats.types import FloatArray, IntArray

# Values on a lattice up to which the null distribution is computed exactly.
_LATTICE = 2**20


def flip_test_sampled(
    up: npt.ArrayLike,
    down: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    n_draws: int = 10_000,
) -> float:
    """Two-sided p-value of ``sum(weights * (up - down))`` by draws of exchanged answers.

    Parameters
    ----------
    up, down
        Items of each group that speak for the first and for the second model, shape (groups,).
    weights
        What one item of each group adds, shape (groups,); for the mean of per-class accuracies one
        over (classes times items of the class).
    n_draws
        Draws; p is at least 1 / (n_draws + 1).

    Returns
    -------
    float
        ``(1 + #{|null| >= |observed|}) / (n_draws + 1)``, null ``sum(w (2 B - D))`` for
        B ~ Binomial(D, 1/2) and D = up + down.

    Raises
    ------
    ValueError
        For negative counts or shapes that differ.

    References
    ----------
    Kornblith, Shlens and Le (2019), arXiv 1805.08974, for exchanging predictions; Phipson and Smyth
    (2010), Statistical Applications in Genetics and Molecular Biology 9:39, for the one that is added.
    """
    up, down, weights = _groups(up, down, weights)
    if n_draws < 1:
        raise ValueError("need at least one draw")
    total = up + down
    kept = total > 0
    total, weights, net = total[kept], weights[kept], (up - down)[kept]
    observed = abs(float(net @ weights))
    # Sums of the same terms in another order are equal but for rounding.
    slack = 1e-9 * max(float(total @ np.abs(weights)), 1e-300)
    hits = 0
    step = max(1, 2**20 // max(len(total), 1))
    for start in range(0, n_draws, step):
        size = (min(step, n_draws - start), len(total))
        null = (2 * rng.binomial(total, 0.5, size=size) - total) @ weights
        hits += int(np.count_nonzero(np.abs(null) >= observed - slack))
    return (1 + hits) / (n_draws + 1)


def flip_test_exact(differences: npt.ArrayLike) -> float:
    """Exact two-sided p-value that whole differences, item by item, are symmetric about 0.

    Parameters
    ----------
    differences
        Shape (items,), whole numbers: for several classes an item, the number of classes that the
        first model gets right less that of the second.

    Returns
    -------
    float
        Probability that random signs give a sum as far from 0; 1 where all differences are 0.  With
        differences of 1 it is the exact test of McNemar.

    Raises
    ------
    ValueError
        For values that are not whole, or so large that the exact distribution has over a million
        values.
    """
    given = np.asarray(differences, dtype=float)
    if given.ndim != 1 or not np.array_equal(given, np.rint(given)):
        raise ValueError("differences must be a vector of whole numbers")
    size, count = np.unique(np.abs(given[given != 0]).astype(np.int64), return_counts=True)
    reach = int((size * count).sum())
    if reach == 0:
        return 1.0
    if 2 * reach + 1 > _LATTICE:
        raise ValueError("the differences are too many and too large for an exact test")
    null = np.ones(1)
    for value, n in zip(size, count, strict=True):
        part = np.zeros(2 * int(value * n) + 1)
        part[:: 2 * int(value)] = stats.binom.pmf(np.arange(n + 1), n, 0.5)
        null = signal.fftconvolve(null, part)
    # The transform leaves noise of about 1e-16 where probabilities are smaller.
    null = np.maximum(null, 0)
    far = np.abs(np.arange(-reach, reach + 1)) >= abs(int(given.sum()))
    return float(min(1.0, null[far].sum() / null.sum()))


def discordant_by_class(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], labels: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Items of each class that only the first, and only the second model gets right, and weights.

    Parameters
    ----------
    first, second
        Whether each model is right on each item, shape (items,).
    labels
        Class of each item, shape (items,).

    Returns
    -------
    up, down, weights
        Shape (classes that occur,); the weights make the difference of the means of per-class
        accuracies.
    """
    _, ids, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    up = np.bincount(ids, weights=first & ~second, minlength=len(sizes)).astype(np.int64)
    down = np.bincount(ids, weights=second & ~first, minlength=len(sizes)).astype(np.int64)
    return up, down, 1 / (len(sizes) * sizes.astype(float))


def _groups(
    up: npt.ArrayLike, down: npt.ArrayLike, weights: npt.ArrayLike
) -> tuple[IntArray, IntArray, FloatArray]:
    a, b = np.asarray(up, dtype=np.int64), np.asarray(down, dtype=np.int64)
    w = np.asarray(weights, dtype=float)
    if a.ndim != 1 or not a.shape == b.shape == w.shape:
        raise ValueError("up, down and weights must be vectors of one length")
    if np.any(a < 0) or np.any(b < 0):
        raise ValueError("counts cannot be negative")
    return a, b, w
