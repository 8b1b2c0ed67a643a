"""Adjusting many p-values at once."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from freshset.stats.types import FloatArray

Method = Literal["holm", "bh", "none"]


def adjust(p: npt.ArrayLike, method: Method = "holm") -> FloatArray:
    """Adjusted p-values, to be compared with the nominal level directly.

    Parameters
    ----------
    p
        Raw p-values, shape (tests,).
    method
        ``holm`` bounds the chance of any false finding (family-wise error); ``bh`` bounds the
        expected share of false findings (Benjamini-Hochberg); ``none`` returns p.

    Raises
    ------
    ValueError
        For p-values outside [0, 1] or an unknown method.

    References
    ----------
    Holm (1979), Scand. J. Statist. 6:65; Benjamini and Hochberg (1995), JRSS B 57:289.

    Notes
    -----
    The same as `statsmodels.stats.multitest.multipletests`, which collects all garbage of the process at
    every call for Holm; where much is in memory that takes half a second.
    """
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or np.any(~(values >= 0)) or np.any(values > 1):
        raise ValueError("p must be a vector of values in [0, 1]")
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}")
    if method == "none" or values.size == 0:
        return values.copy()
    n, order = len(values), np.argsort(values, kind="stable")
    ranks = np.arange(1, n + 1)
    if method == "holm":
        adjusted = np.maximum.accumulate(values[order] * (n + 1 - ranks))
    else:
        adjusted = np.minimum.accumulate((values[order] * (n / ranks))[::-1])[::-1]
    out = np.empty(n)
    out[order] = np.minimum(adjusted, 1)
    return out
