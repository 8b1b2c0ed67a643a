"""What a path of penalties gives: one entry a penalty, the choice, and warnings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.transfer.probe.classifier import Classifier


@dataclass(frozen=True, slots=True)
class PathPoint:
    """The solution at one penalty, but for its weights.

    Attributes
    ----------
    penalty
        L2 penalty.
    objective
        ``sum of losses + penalty / 2 * |W|^2``.
    duality_gap
        The objective is above its minimum by this at most, as far as its float type can tell.
    iterations
        Of L-BFGS, each one product with the features and one with their transpose.
    converged
        Whether the tolerance was reached.
    precision
        Of the arithmetic.
    score
        On the validation set, a fraction; ``None`` without one.
    """

    penalty: float
    objective: float
    duality_gap: float
    iterations: int
    converged: bool
    precision: str
    score: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ProbePath:
    """Solutions at all penalties, in the order in which these were given.

    Attributes
    ----------
    points
        One a penalty.
    weights
        Shape (penalties, classes, d).
    intercepts
        Shape (penalties, classes).
    classes
        Class ids of the rows of the weights, shape (classes,).
    backend
        Which arrays were used.
    tolerance
        That was asked for.
    seconds
        Wall time of the path, with everything before it.
    operations
        Floating-point operations of the products with the features.
    """

    points: tuple[PathPoint, ...]
    weights: npt.NDArray[Any]
    intercepts: npt.NDArray[Any]
    classes: npt.NDArray[np.int64]
    backend: str
    tolerance: float
    seconds: float
    operations: int

    def classifier(self, index: int) -> Classifier:
        """The solution at one of the penalties."""
        return Classifier(self.weights[index], self.intercepts[index], self.classes)

    @property
    def chosen(self) -> int:
        """Index of the best validation score; of equal scores the largest penalty.

        Raises
        ------
        DataError
            Without a validation set.
        """
        scores = [p.score for p in self.points]
        known = [s for s in scores if s is not None]
        if len(known) < len(scores):
            raise DataError("No validation set, so no penalty can be chosen.")
        best = max(known)
        tied = [i for i, s in enumerate(scores) if s == best]
        return max(tied, key=lambda i: self.points[i].penalty)

    @property
    def edge(self) -> str:
        """A warning when the chosen penalty is the smallest or the largest; else empty."""
        penalties = [p.penalty for p in self.points]
        here = penalties[self.chosen]
        if len(penalties) < 2 or min(penalties) < here < max(penalties):
            return ""
        side = "smallest" if here == min(penalties) else "largest"
        return (
            f"The best penalty, {here:g}, is the {side} of the grid; "
            "a better one may lie beyond it. Widen the grid."
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        open_ones = [f"{p.penalty:g}" for p in self.points if not p.converged]
        found = []
        if open_ones:
            found.append(
                f"The tolerance {self.tolerance:g} was not reached at {', '.join(open_ones)}; "
                "see the duality gaps there."
            )
        if self.points[0].score is not None and self.edge:
            found.append(self.edge)
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without the weights."""
        scored = self.points[0].score is not None
        return {
            "schema": "freshset.probe-path/1",
            "points": [p.to_dict() for p in self.points],
            "chosen": self.chosen if scored else None,
            "classes": self.classes.tolist(),
            "backend": self.backend,
            "tolerance": self.tolerance,
            "seconds": self.seconds,
            "operations": self.operations,
            "warnings": list(self.warnings),
        }
