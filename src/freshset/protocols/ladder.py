"""The Ladder: a leaderboard that moves only when a submission is better beyond noise.

Source: Blum and Hardt (2015), "The Ladder: a reliable leaderboard for machine learning competitions",
and the authors' code (Ladder.jl).  Both answer every submission with the best loss so far.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.protocols.policy import Answer, Losses, Shown, Stepped, nearest_multiple
from freshset.stats.types import FloatArray


class Ladder(Stepped):
    """The Ladder with a fixed step.

    A submission with mean loss R is accepted if ``R < best - step``; then the loss shown becomes R,
    rounded to a multiple of the step.  Otherwise the answer is what it was.  The first submission is
    always accepted.

    Notes
    -----
    The step is as of `Stepped`.  The authors' code rounds to ``log10(n)`` digits in place of the step.
    """

    kind: ClassVar[str] = "ladder-step"

    def submit(self, losses: npt.ArrayLike, *, claimed: float | None = None) -> Answer:
        """Answer with the best loss so far; ``claimed`` is not looked at."""
        del claimed
        checked = self._shown.check(losses)
        self._shown.count(checked)
        best = self._shown.best
        if best is None or checked.mean < best - self.step:
            return self._shown.show(nearest_multiple(checked.mean, self.step))
        return self._shown.show(best)


class FreeLadder:
    """The Ladder without parameters: the step is the standard error of the improvement.

    With l the losses of a submission, l* those of the best one so far, R and R* their means and s the
    standard deviation of l - l* (divisor n - 1), a submission is accepted if ``R < R* - s / sqrt(n)``.

    Notes
    -----
    For 0-1 losses nothing is rounded here.  With b examples that only the new submission gets right
    and c that only the old one does, the rule is ``b > c`` and ``(b - c)^2 > b + c``: McNemar's
    statistic above 1.  Whole numbers are compared, so that .5 < .5 is never true for want of a digit,
    as it is in binary fractions.
    """

    kind: ClassVar[str] = "ladder"

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self._shown = Shown(state)
        held = state.get("losses")
        self._held: FloatArray | None = None if held is None else _unpacked(held, self._shown.n)

    @property
    def submissions(self) -> int:
        """Submissions so far."""
        return self._shown.submissions

    def submit(self, losses: npt.ArrayLike, *, claimed: float | None = None) -> Answer:
        """Answer with the best loss so far; ``claimed`` is not looked at."""
        del claimed
        checked = self._shown.check(losses)
        n = len(checked.values)
        if n < 2:
            raise DataError("One example has no standard deviation.", "Submit two or more.")
        self._shown.count(checked)
        best = self._shown.best
        if best is not None and not self._is_better(checked, best):
            return self._shown.show(best)
        self._held = checked.values
        return self._shown.show(nearest_multiple(checked.mean, Fraction(1, n)))

    def _is_better(self, new: Losses, best: Fraction) -> bool:
        gain = best - new.mean
        if gain <= 0 or self._held is None:
            return False
        n = len(new.values)
        change = new.values - self._held
        if np.all(change == np.rint(change)):
            total, squares = int(change.sum()), int(np.count_nonzero(change))
            variance = (squares - Fraction(total * total, n)) / (n - 1)
        else:
            variance = Fraction(float(change.var(ddof=1)))
        return gain * gain * n > variance

    def to_dict(self) -> dict[str, Any]:
        """Return the state; it holds the losses of the best submission, so keep it secret."""
        held = None if self._held is None else _packed(self._held)
        return {"kind": self.kind, "state": {**self._shown.to_dict(), "losses": held}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FreeLadder:
        """Go on where `to_dict` was called."""
        return cls(data["state"])


def _packed(losses: FloatArray) -> str | list[float]:
    if not np.all((losses == 0) | (losses == 1)):
        return [float(loss) for loss in losses]
    return base64.b64encode(np.packbits(losses == 1).tobytes()).decode()


def _unpacked(held: str | list[float], n: int) -> FloatArray:
    if not isinstance(held, str):
        return np.array(held, dtype=np.float64)
    bits = np.frombuffer(base64.b64decode(held), dtype=np.uint8)
    return np.unpackbits(bits, count=n).astype(np.float64)
