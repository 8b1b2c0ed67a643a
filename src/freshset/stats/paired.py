"""Two or more models on the same items: McNemar's test and the paired bootstrap.

All of it needs only b and c, the numbers of items that one model gets right and the other wrong.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.stats.intervals import percentile_interval
from freshset.stats.types import BoolArray, Estimate, FloatArray, IntArray, check_level

# Below this many pairs, starting threads costs more than it saves.
_THREADED = 20_000


def mcnemar_exact(b: npt.ArrayLike, c: npt.ArrayLike) -> FloatArray:
    """Exact two-sided p-value of McNemar's test.

    Parameters
    ----------
    b, c
        Discordant counts, any broadcastable shapes.

    Returns
    -------
    ndarray
        ``min(1, 2 P(X <= min(b, c)))`` for X ~ Binomial(b + c, 1/2); 1 where the models never
        differ.  Values below about 1e-308 underflow to 0: print them as "< 1e-300".

    References
    ----------
    McNemar (1947), Psychometrika 12:153.
    """
    b, c = _discordant(b, c)
    return np.asarray(np.minimum(1.0, 2 * _lower_tail(np.minimum(b, c), b + c)))


def mcnemar_midp(b: npt.ArrayLike, c: npt.ArrayLike) -> FloatArray:
    """Mid-p version of `mcnemar_exact`: counts half of the observed outcome's probability.

    The exact test is conservative (its type I error is about .036 at a nominal .05); the mid-p
    version is close to nominal.  Models that never differ get 1, as in the exact test: no item speaks for either.

    References
    ----------
    Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91.
    """
    b, c = _discordant(b, c)
    k, n = np.minimum(b, c), b + c
    tail = _lower_tail(k, n)
    point = tail - np.where(k > 0, _lower_tail(np.maximum(k - 1, 0), n), 0.0)
    # With b = c both tails share the observed outcome, which is then counted once.
    p = np.where(b == c, 1 - point / 2, 2 * tail - point)
    return np.asarray(np.where(n > 0, p, 1.0))


@dataclass(frozen=True, slots=True)
class AllPairs:
    """McNemar's test for every pair i < j of models on one set of items.

    Attributes
    ----------
    first, second
        Model indices of each pair, shape (pairs,).
    b
        Items that only the first model gets right.
    c
        Items that only the second model gets right.
    n
        Number of items.
    p_exact
        Two-sided p-values, not adjusted for multiplicity.
    """

    first: IntArray
    second: IntArray
    b: IntArray
    c: IntArray
    n: int
    p_exact: FloatArray

    @property
    def p_mid(self) -> FloatArray:
        """Mid-p values, computed when asked for: among 1,000 models they take a quarter of a second."""
        return mcnemar_midp(self.b, self.c)


def discordant_counts(correct: BoolArray) -> IntArray:
    """Return D of shape (models, models): D[i, j] items that i gets right and j wrong."""
    both = _both_right(correct)
    return np.asarray(np.diag(both)[:, None] - both)


def _both_right(correct: BoolArray) -> IntArray:
    # One matrix product of 0/1 values in float32, which is exact up to 2**24 items.
    if correct.ndim != 2:
        raise ValueError("correct must have shape (models, items)")
    if correct.shape[1] >= 2**24:
        raise ValueError("more than 16,777,216 items")
    hits = correct.astype(np.float32)
    return (hits @ hits.T).astype(np.int64)


def mcnemar_all_pairs(correct: BoolArray) -> AllPairs:
    """McNemar tests of all pairs of models.

    Parameters
    ----------
    correct
        Shape (models, items), whether each model is right on each item.
    """
    both = _both_right(correct)
    right = np.diag(both)
    first, second = np.triu_indices(len(correct), k=1)
    shared = both[first, second]
    b, c = right[first] - shared, right[second] - shared
    return AllPairs(first, second, b, c, correct.shape[1], mcnemar_exact(b, c))


def paired_difference(
    b: int,
    c: int,
    n: int,
    *,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
    level: float = 0.95,
) -> Estimate:
    """Difference in accuracy of two models on the same items, with a paired bootstrap interval.

    Resampling items changes the difference only through how many of the resampled items are
    discordant, so (b*, c*, rest) is drawn from its multinomial law: the same distribution as the
    item bootstrap at a cost that does not depend on n.

    Returns
    -------
    Estimate
        ``(b - c) / n`` as a fraction.

    Raises
    ------
    ValueError
        For negative counts or b + c > n.
    """
    check_level(level)
    if min(b, c) < 0 or n <= 0 or b + c > n:
        raise ValueError("need 0 <= b, c and b + c <= n")
    draws = rng.multinomial(n, np.array([b, c, n - b - c]) / n, size=n_resamples)
    interval = percentile_interval((draws[:, 0] - draws[:, 1]) / n, level=level)
    return Estimate((b - c) / n, float(interval.low), float(interval.high))


def _discordant(b: npt.ArrayLike, c: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    # float64, never float32: betainc of float32 arguments is wrong in the tails.
    b, c = np.broadcast_arrays(np.asarray(b, dtype=float), np.asarray(c, dtype=float))
    if np.any(b < 0) or np.any(c < 0):
        raise ValueError("discordant counts cannot be negative")
    return b, c


def _lower_tail(k: FloatArray, n: FloatArray) -> FloatArray:
    """P(X <= k) for X ~ Binomial(n, 1/2), with P = 1 where k = n."""
    if k.size <= _THREADED:
        return _lower_tail_of(k, n)
    # The incomplete beta function holds no lock, so threads divide its time.
    parts = np.array_split(np.arange(k.size), os.cpu_count() or 1)
    flat_k, flat_n, out = k.ravel(), n.ravel(), np.empty(k.size)

    def fill(part: IntArray) -> None:
        inside = slice(int(part[0]), int(part[-1]) + 1)
        out[inside] = _lower_tail_of(flat_k[inside], flat_n[inside])

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, parts))
    return out.reshape(k.shape)


def _lower_tail_of(k: FloatArray, n: FloatArray) -> FloatArray:
    out = np.ones_like(k)
    # By Hoeffding the tail is at most exp(-(n - 2k)^2 / 2n); below exp(-745.2) no float64 is left.
    vanishes = (n - 2 * k) ** 2 > 1_491 * n
    out[vanishes] = 0.0
    rest = (k < n) & ~vanishes
    out[rest] = special.betainc(n[rest] - k[rest], k[rest] + 1, 0.5)
    return out
