"""Tie groups in place of a strict order, of entrants or of models.

The first group is the best one and all that are not distinguishable from it; the next group is made
likewise of those that are left, and so on.  Within a group nobody is said to be better.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from freshset.stats.halves import two_proportions
from freshset.stats.multiplicity import adjust
from freshset.stats.paired import mcnemar_exact
from freshset.stats.types import BoolArray, FloatArray, IntArray

Compare = Callable[[int, IntArray], FloatArray]
"""P-values of one entrant against others."""


def tie_groups(scores: FloatArray, compare: Compare, *, level: float = 0.95) -> IntArray:
    """Group entrants.

    Parameters
    ----------
    scores
        Shape (entrants,); the best of a group is the highest, of equal ones the first.
    compare
        Gives p-values, which are corrected by Holm over all that a best one is compared with.

    Returns
    -------
    ndarray of int64
        Number of each entrant's group, from 1.
    """
    group = np.zeros(len(scores), dtype=np.int64)
    left = np.argsort(-scores, kind="stable").astype(np.int64)
    number = 0
    while left.size:
        number += 1
        best, rest = int(left[0]), left[1:]
        group[best] = number
        tied = adjust(compare(best, rest)) > 1 - level if rest.size else np.zeros(0, dtype=bool)
        group[rest[tied]] = number
        left = rest[~tied]
    return group


def groups_of_scores(scores: FloatArray, n: int, *, level: float = 0.95) -> IntArray:
    """Group by scores alone, as they were shown: a test of two proportions.

    Nothing but what was shown goes in, so that the groups tell no more of the labels than the answers
    did.  Scores on the same examples go together, which this test does not know: it ties more than a
    paired test would.
    """
    k = np.clip(np.rint(scores * n), 0, n)
    return tie_groups(
        scores, lambda one, others: two_proportions(k[one], n, k[others], n), level=level
    )


def groups_of_answers(correct: BoolArray, *, level: float = 0.95) -> IntArray:
    """Group by which examples each has right, shape (entrants, examples): McNemar's exact test."""

    def compare(one: int, others: IntArray) -> FloatArray:
        up = np.count_nonzero(correct[one] & ~correct[others], axis=1)
        down = np.count_nonzero(~correct[one] & correct[others], axis=1)
        return mcnemar_exact(up, down)

    return tie_groups(correct.mean(axis=1), compare, level=level)
