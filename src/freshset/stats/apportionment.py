"""Whole numbers in given proportions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

import numpy as np

from freshset.stats.types import IntArray

Ties = Literal["first", "last"]


def largest_remainder(
    weights: Iterable[int | float | Fraction], total: int, *, ties: Ties = "first"
) -> IntArray:
    """Split ``total`` in proportion to weights (Hamilton's method).

    Each share is the quota ``total * weight / sum(weights)`` rounded down; what is left goes, one
    each, to those with the largest remainders.  All is computed in whole numbers, so equal
    remainders are equal whatever the weights are, and the order of ties is kept exactly.

    Parameters
    ----------
    weights
        Counts or other numbers of at least 0, length n.  A float counts as exactly the number it
        holds, so give counts rather than counts divided by something.
    total
        What is split, at least 0.
    ties
        Which of equal remainders comes first: the ``first`` in order, or the ``last``.

    Returns
    -------
    numpy.ndarray
        Shares, shape (n,); they add up to ``total``, each lies within less than 1 of its quota, and
        a weight of 0 gets nothing.

    Raises
    ------
    ValueError
        When a weight or ``total`` is negative or not finite, or there is something to split and all
        weights are 0.

    Notes
    -----
    CIFAR-10.1 (Recht et al. 2018, section 2.2) splits 200 images a class over its keywords so, and
    ImageNetV2's MatchedFrequency 10 images over the bins of the selection frequency, the higher bin
    first (``ties="last"``).  Balinski and Young, *Fair Representation* (1982), chapter 3.

    Examples
    --------
    >>> largest_remainder([1, 1, 1, 1], 2, ties="last").tolist()
    [0, 0, 1, 1]
    """
    if total < 0:
        raise ValueError(f"total must be at least 0, not {total}")
    parts = _whole(weights)
    whole = sum(parts)
    if not whole:
        if total:
            raise ValueError(f"no weight above 0 to split {total} by")
        return np.zeros(len(parts), dtype=np.int64)
    shares, remainders = map(list, zip(*(divmod(total * w, whole) for w in parts), strict=True))
    direction = 1 if ties == "first" else -1
    order = sorted(range(len(parts)), key=lambda i: (-remainders[i], direction * i))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return np.array(shares, dtype=np.int64)


def _whole(weights: Iterable[int | float | Fraction]) -> list[int]:
    """Whole numbers in the same proportions."""
    try:
        exact = [Fraction(w) for w in weights]
    except (ValueError, OverflowError) as error:
        raise ValueError("weights must be finite") from error
    if any(w < 0 for w in exact):
        raise ValueError(f"weights must be at least 0, not {float(min(exact)):g}")
    scale = math.lcm(*(w.denominator for w in exact))
    return [int(w * scale) for w in exact]
