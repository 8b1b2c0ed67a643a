"""What a leaderboard says of a submission: the protocol of all policies, and the two plain ones.

A policy is a plain object.  It is given the losses of a submission, one an example, and answers with
what may be shown.  It compares means exactly: sums of 0-1 losses are whole numbers, and a step of 0.01
is one hundredth and not the nearest binary fraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import fsum
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.stats.types import FloatArray


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown to the one who submits.

    Attributes
    ----------
    loss
        Mean loss as the policy shows it, a fraction; ``None`` when it refuses to answer because its
        budget is spent.
    improved
        Whether it is the lowest loss shown so far.
    remaining
        Answers from the hidden part that are left; ``None`` where they are not counted.
    """

    loss: float | None
    improved: bool
    remaining: int | None = None

    @property
    def accuracy(self) -> float | None:
        """1 - loss, for 0-1 losses."""
        return None if self.loss is None else 1 - self.loss

    def to_dict(self) -> dict[str, Any]:
        """Return the document ``freshset.answer/1``."""
        return {
            "schema": "freshset.answer/1",
            "loss": self.loss,
            "improved": self.improved,
            "remaining": self.remaining,
        }


class Policy(Protocol):
    """Answers submissions, and remembers what it must."""

    kind: ClassVar[str]

    @property
    def submissions(self) -> int:
        """Submissions so far."""

    def submit(self, losses: npt.ArrayLike, *, claimed: float | None = None) -> Answer:
        """Answer a submission.

        Parameters
        ----------
        losses
            Shape (examples,), each between 0 and 1; booleans are errors.
        claimed
            Mean loss on data that the submitter knows; only Thresholdout asks for it.
        """

    def to_dict(self) -> dict[str, Any]:
        """Return settings and state, JSON-ready; secret, as it may hold losses or a seed."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Checked losses of one submission.

    Attributes
    ----------
    values
        Shape (examples,), float64.
    whole
        Whether all are 0 or 1.
    mean
        Their exact mean.
    """

    values: FloatArray
    whole: bool
    mean: Fraction


def as_losses(losses: npt.ArrayLike, n: int = 0) -> Losses:
    """Check the losses of a submission.

    Parameters
    ----------
    n
        How many there must be; 0 where any number is right.

    Raises
    ------
    DataError
        For another number or shape, or losses that are not between 0 and 1.  No message holds a loss.
    """
    values = np.asarray(losses)
    if values.ndim != 1 or not values.size:
        raise DataError("Losses are not one number an example.", "Give a vector.")
    if n and len(values) != n:
        raise DataError(
            f"A submission of {len(values):,} losses, where there are {n:,} examples.",
            "Submit one loss an example, in their order.",
        )
    if values.dtype.kind not in "buif":
        raise DataError("Losses are not numbers.", "Give 0 for right and 1 for wrong.")
    values = values.astype(np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        raise DataError("Losses outside 0 to 1.", "Divide by the largest loss there can be.")
    ones = int(np.count_nonzero(values == 1))
    whole = ones + int(np.count_nonzero(values == 0)) == len(values)
    total = Fraction(ones) if whole else Fraction(fsum(values))
    return Losses(values, whole, total / len(values))


def exact(number: float | str | Fraction, what: str) -> Fraction:
    """Read a positive number as it is written: 0.01 is one hundredth.

    Raises
    ------
    UsageError
        When it is not above 0 and at most 1.
    """
    try:
        value = number if isinstance(number, Fraction) else Fraction(str(number))
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value <= 1:
        raise UsageError(
            f"The {what} {number} is not above 0 and at most 1.", "Such as 0.01, one point."
        )
    return value


def nearest_multiple(value: Fraction, step: Fraction) -> Fraction:
    """Round to the nearest multiple of ``step``, halves to the even one."""
    return round(value / step) * step


class Shown:
    """The part that all policies share: number and size of submissions, and the lowest loss shown."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.submissions = int(state.get("submissions", 0))
        self.n = int(state.get("n", 0))
        best = state.get("best")
        self.best = None if best is None else Fraction(best)

    def check(self, losses: npt.ArrayLike) -> Losses:
        """Check a submission; its number of examples is that of the first one."""
        return as_losses(losses, self.n)

    def count(self, losses: Losses) -> None:
        """Count a submission."""
        self.submissions += 1
        self.n = len(losses.values)

    def show(self, value: Fraction, remaining: int | None = None) -> Answer:
        """Answer with a value, and remember it if it is the best."""
        improved = self.best is None or value < self.best
        if improved:
            self.best = value
        return Answer(float(value), improved, remaining)

    def to_dict(self) -> dict[str, Any]:
        """State as `__init__` reads it."""
        best = None if self.best is None else str(self.best)
        return {"submissions": self.submissions, "n": self.n, "best": best}


class Exact:
    """Show the loss as it is: what most leaderboards did, and what overfits."""

    kind: ClassVar[str] = "exact"

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._shown = Shown(state or {})

    @property
    def submissions(self) -> int:
        """Submissions so far."""
        return self._shown.submissions

    def submit(self, losses: npt.ArrayLike, *, claimed: float | None = None) -> Answer:
        """Answer with the mean loss; ``claimed`` is not looked at."""
        del claimed
        checked = self._shown.check(losses)
        self._shown.count(checked)
        return self._shown.show(checked.mean)

    def to_dict(self) -> dict[str, Any]:
        """Return settings and state."""
        return {"kind": self.kind, "state": self._shown.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Exact:
        """Go on where `to_dict` was called."""
        return cls(data["state"])


class Stepped:
    """What is shown goes by a fixed step; kinds differ in how they answer.

    Parameters
    ----------
    step
        Fraction of the loss, such as 0.01; read as it is written.

    Raises
    ------
    UsageError
        For a step that is not above 0 and at most 1.
    """

    kind: ClassVar[str]

    def __init__(
        self, *, step: float | str | Fraction, state: Mapping[str, Any] | None = None
    ) -> None:
        self.step = exact(step, "step")
        self._shown = Shown(state or {})

    @property
    def submissions(self) -> int:
        """Submissions so far."""
        return self._shown.submissions

    def to_dict(self) -> dict[str, Any]:
        """Return settings and state."""
        return {"kind": self.kind, "step": str(self.step), "state": self._shown.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Go on where `to_dict` was called."""
        return cls(step=data["step"], state=data["state"])


class Rounded(Stepped):
    """Show the loss rounded to a multiple of a step; see `Stepped`."""

    kind: ClassVar[str] = "rounded"

    def submit(self, losses: npt.ArrayLike, *, claimed: float | None = None) -> Answer:
        """Answer with the rounded mean loss; ``claimed`` is not looked at."""
        del claimed
        checked = self._shown.check(losses)
        self._shown.count(checked)
        return self._shown.show(nearest_multiple(checked.mean, self.step))
