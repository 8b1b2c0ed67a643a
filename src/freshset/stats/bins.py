"""Bins of a selection frequency, with edges that are compared exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from freshset.stats.types import BoolArray, IntArray


def frequency_bins(
    selected: npt.ArrayLike, answers: npt.ArrayLike, edges: Sequence[float]
) -> IntArray:
    """Bin of each selection frequency ``selected / answers``.

    Parameters
    ----------
    selected, answers
        Counts, shape (n,); multiples of 1/2, as a "maybe" counts half, or weighted.
    edges
        Inner edges, rising.  Each bin holds its lower edge, and the last one also 1.

    Returns
    -------
    numpy.ndarray
        Shape (n,): 0 up to the number of edges, or -1 where there are no answers.

    Raises
    ------
    ValueError
        When the edges do not rise, or a count lies outside [0, answers].

    Notes
    -----
    ImageNetV2 bins at .2, .4, .6 and .8 (Recht et al. 2019, section 3 and appendix B).  An edge is the
    decimal number that was written: 3 of 5 is in the bin that begins at .6, although the float .6 is
    below three fifths.  See `at_least`.
    """
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must rise, not {list(edges)}")
    known = np.asarray(answers, dtype=np.float64) > 0
    reached = [at_least(selected, answers, edge) for edge in edges]
    bins = np.sum(reached, axis=0, dtype=np.int64) if reached else np.zeros(known.shape, np.int64)
    return np.where(known, bins, -1)


def at_least(selected: npt.ArrayLike, answers: npt.ArrayLike, limit: npt.ArrayLike) -> BoolArray:
    """Whether ``selected / answers`` is at least the limit, compared in whole numbers.

    Parameters
    ----------
    selected, answers
        Counts, shape (n,).
    limit
        One limit, or one an item, each meaning the decimal number that it prints as.

    Returns
    -------
    numpy.ndarray
        Shape (n,); false where there are no answers, whatever the limit.

    Raises
    ------
    ValueError
        When a count lies outside [0, answers].

    Notes
    -----
    ``a / n >= p / q`` is compared as ``a * q >= p * n``, which floats hold exactly for counts.  As
    quotients of floats, 7 of 10 would depend on how .7 was rounded.  Where answers are weighted both
    are sums that were rounded, so what is below by a relative 1e-12 is no less; whole products below
    1e12 are nearer to each other only when they are equal.
    """
    selected = np.asarray(selected, dtype=np.float64)
    answers = np.asarray(answers, dtype=np.float64)
    if not np.all((selected >= 0) & (selected <= answers)):
        raise ValueError("counts must lie between 0 and the number of answers")
    values, place = np.unique(np.asarray(limit, dtype=np.float64), return_inverse=True)
    exact = [Fraction(repr(float(value))) for value in values]
    top = np.array([one.numerator for one in exact], dtype=np.float64)[place]
    bottom = np.array([one.denominator for one in exact], dtype=np.float64)[place]
    return np.asarray((answers > 0) & (selected * bottom >= top * answers * (1 - 1e-12)))


def bin_names(edges: Sequence[float]) -> tuple[str, ...]:
    """Names of the bins between inner edges, such as ``0.2 to 0.4``."""
    ends = (0.0, *edges, 1.0)
    digits = max(1, *(len(repr(float(end)).partition(".")[2]) for end in ends))
    return tuple(f"{low:.{digits}f} to {high:.{digits}f}" for low, high in pairwise(ends))
