"""Array types and the two small values that most results are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its confidence interval; ``low`` and ``high`` may be nan when there is none."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """Return plain values; an absent bound is ``None``."""
        return {name: none_if_nan(getattr(self, name)) for name in ("value", "low", "high")}

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of zero."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class Interval:
    """Lower and upper confidence bounds, elementwise."""

    low: FloatArray
    high: FloatArray


def none_if_nan(value: float) -> float | None:
    """Return ``None`` for nan and infinities, which JSON cannot hold."""
    return float(value) if np.isfinite(value) else None


def as_counts(k: npt.ArrayLike, n: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Check and broadcast successes ``k`` of ``n`` trials.

    ``k`` need not be whole: tables that print percentages give an accuracy times n.
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    if np.any(~np.isfinite(k)) or np.any(~np.isfinite(n)):
        raise ValueError("counts must be finite")
    if np.any(n <= 0):
        raise ValueError("n must be positive")
    if np.any(k < 0) or np.any(k > n):
        raise ValueError("counts must lie between 0 and n")
    return k, n


def check_level(level: float) -> float:
    """Return alpha = 1 - level after checking that level lies in (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return 1 - level
