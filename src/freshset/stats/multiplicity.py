"""Adjusting many p-values at once."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from freshset.stats.types import FloatArray

Method = Literal["holm", "bh", "none"]

_STATSMODELS = {"holm": "holm", "bh": "fdr_bh"}


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
    Holm (1979), Scand. J. Statist. 6:65; Benjamini and Hochberg (1995), JRSS B 57:289; both through
    `statsmodels.stats.multitest.multipletests`.
    """
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or np.any(~(values >= 0)) or np.any(values > 1):
        raise ValueError("p must be a vector of values in [0, 1]")
    if method != "none" and method not in _STATSMODELS:
        raise ValueError(f"unknown method {method!r}")
    if method == "none" or values.size == 0:
        return values.copy()
    # statsmodels takes a second to import, which commands that adjust nothing should not pay.
    from statsmodels.stats.multitest import multipletests

    return multipletests(values, method=_STATSMODELS[method])[1]
