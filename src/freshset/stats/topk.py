"""Signs that ordered top-k predictions are not ordered best first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

# One cell in a million would be flagged by chance; real archives hold hundreds of cells.
_P_VALUE = 1e-6


def is_worst_first(label_rank: npt.NDArray[np.integer], k: int) -> bool:
    """Whether the last of k predictions is right more often than the first, beyond chance.

    Parameters
    ----------
    label_rank
        Position (1..k) of the label among the ordered predictions, 0 where absent, shape (items,).
    k
        Predictions per item; with fewer than 2 there is no order.

    Notes
    -----
    A sign test: under "no worse than equal", hits in the last column among hits in the first or the
    last are at most Binomial(hits, 1/2).
    """
    if k < 2:
        return False
    first, last = np.count_nonzero(label_rank == 1), np.count_nonzero(label_rank == k)
    if last <= first:
        return False
    # P(X >= last) for X ~ Binomial(first + last, 1/2).
    return bool(special.betainc(last, first + 1, 0.5) < _P_VALUE)
