"""Adjusting many p-values at once."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

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
    Holm (1979), Scand. J. Statist. 6:65; Benjamini and Hochberg (1995), JRSS B 57:289, through
    `scipy.stats.false_discovery_control`.
    """
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or np.any(~(values >= 0)) or np.any(values > 1):
        raise ValueError("p must be a vector of values in [0, 1]")
    if method == "holm":
        order = np.argsort(values)
        # The i-th smallest pays for all hypotheses still open, and never less than a smaller one.
        steps = values[order] * np.arange(values.size, 0, -1)
        adjusted = np.empty_like(values)
        adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
        return adjusted
    if method == "bh":
        # scipy refuses an empty vector.
        return np.asarray(stats.false_discovery_control(values)) if values.size else values.copy()
    if method == "none":
        return values.copy()
    raise ValueError(f"unknown method {method!r}")
