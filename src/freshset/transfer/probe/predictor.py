"""Where to start at the next penalty: the best point in the plane of the last solutions."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.arrays import Array
from freshset.transfer.probe.problem import Point, Problem

# Differences of solutions that span the plane; a fourth saves no more than it costs.
_DIFFERENCES = 3
_NEWTON = 4
# Larger shares only amplify what the solver left unsolved.
_FARTHEST = 16.0


@dataclass(frozen=True, slots=True)
class _Difference:
    """A solution less the one before it: vector and margins."""

    flat: Array
    margins: Array


class Predictor:
    """Extrapolates the path of solutions.

    Notes
    -----
    The path is smooth in the logarithm of the penalty, so a secant through the last two solutions is a
    good guess.  Fixed coefficients of higher order amplify what the solver left unsolved.  Here the
    coefficients of the last three differences are chosen: they minimise the objective at the new
    penalty, starting at the secant, by Newton's method in three variables.  Margins are linear, so
    this needs no product with the features.
    """

    def __init__(self, problem: Problem, tolerance: float) -> None:
        self._problem, self._enough = problem, 0.3 * tolerance
        self._differences: deque[_Difference] = deque(maxlen=_DIFFERENCES)
        self._last: tuple[Array, Array, float] | None = None
        self._gap, self._secant = 0.0, False

    def note(self, point: Point, penalty: float) -> None:
        """Take the solution at a penalty."""
        if self._last is not None:
            flat, margins, before = self._last
            change = point.flat - flat
            # A point that rounding alone has moved shows no direction, and would be scaled up.
            least = 1e4 * self._problem.noise**2 * max(point.square, 1e-300)
            self._secant = self._problem.weight_dot(change, change) > least
            if self._secant:
                margins *= -1
                margins += point.margins
                self._differences.appendleft(_Difference(change, margins))
            self._gap = math.log(penalty / before)
        self._last = (point.flat, point.margins + 0, penalty)

    def start(self, point: Point, penalty: float) -> None:
        """Move the last solution to where the search at a new penalty should start."""
        if not self._differences or self._last is None or not self._gap:
            return
        plane = _Plane(self._problem, point, list(self._differences), penalty)
        guess = np.zeros(len(self._differences))
        if self._secant:
            guess[0] = math.log(penalty / self._last[2]) / self._gap
        plane.descend(guess, self._enough)


def lead_in(problem: Problem, point: Point, largest: float) -> list[float]:
    """Penalties to pass on the way from weights of 0 to the largest penalty of a path.

    A start far below the penalty that balances the curvature at 0 takes hundreds of iterations where
    a path of two penalties a decade takes a few each: features of scale 10^4 need it, others do not.

    Returns
    -------
    list of float
        Decreasing; empty when the largest penalty is at most a decade below the balance.
    """
    values = np.linalg.eigvalsh(problem.loss.curvature(point.residual))
    balance = float(values[-1]) / problem.n * float(problem.design.values.max())
    steps = math.ceil(2 * math.log10(max(balance / largest, 1.0)))
    return [largest * 10 ** (i / 2) for i in range(steps, 0, -1)] if steps > 2 else []


class _Plane:
    """The objective on a point plus any sum of differences."""

    def __init__(
        self, problem: Problem, point: Point, differences: list[_Difference], penalty: float
    ) -> None:
        self._problem, self._point, self._penalty = problem, point, penalty
        self._differences = differences
        flats = [d.flat for d in differences]
        self._cross = np.array([problem.weight_dot(point.flat, f) for f in flats])
        self._squares = np.array([[problem.weight_dot(f, g) for g in flats] for f in flats])
        self._margins, self._residual = problem.room(), problem.room()

    def descend(self, guess: npt.NDArray[np.float64], enough: float) -> None:
        """Newton's method from a guess; moves the point only to where the objective is lower.

        Parameters
        ----------
        guess
            Share of each difference, shape (differences,).
        enough
            Predicted decrease, as a share of the objective, below which no step is made.
        """
        point, best = self._point, self._point.objective(self._penalty)
        shares: npt.NDArray[np.float64] | None = None
        kept, trial = (point.margins, point.residual, point.loss), guess
        for count in range(_NEWTON):
            loss, value = self._evaluate(trial)
            if value < best:
                best, shares = value, trial
                kept, room = (self._margins, self._residual, loss), kept
                # The arrays of the point itself must outlive the search.
                fresh = room[0] is point.margins
                self._margins = self._problem.room() if fresh else room[0]
                self._residual = self._problem.room() if fresh else room[1]
            elif count:
                break
            # Where the secant missed, Newton's method starts at the last solution instead.
            here = np.zeros_like(guess) if shares is None else shares
            step = self._step(here, kept[1], enough * best)
            if step is None:
                break
            trial = here - step
            if np.abs(trial).max() > _FARTHEST:
                break
        if shares is not None:
            self._move(shares, *kept)

    def _step(
        self, shares: npt.NDArray[np.float64], residual: Array, enough: float
    ) -> npt.NDArray[np.float64] | None:
        margins = [d.margins for d in self._differences]
        first, second = self._problem.loss.products(residual, margins)
        first = first + self._penalty * (self._cross + self._squares @ shares)
        second = second + self._penalty * self._squares
        scale = np.sqrt(np.maximum(np.diag(second), 1e-300))
        # Differences of neighbouring solutions are nearly parallel.
        scaled = second / scale[:, None] / scale
        if not (np.isfinite(scaled).all() and np.isfinite(first).all()):
            return None
        step = np.linalg.lstsq(scaled, first / scale, rcond=1e-6)[0] / scale
        return step if first @ step / 2 > enough else None

    def _move(
        self, shares: npt.NDArray[np.float64], margins: Array, residual: Array, loss: float
    ) -> None:
        point = self._point
        point.flat = point.flat + 0
        for share, difference in zip(shares, self._differences, strict=True):
            point.flat += float(share) * difference.flat
        point.square = self._problem.weight_dot(point.flat, point.flat)
        point.margins, point.residual, point.loss = margins, residual, loss

    def _evaluate(self, shares: npt.NDArray[np.float64]) -> tuple[float, float]:
        self._margins[:] = self._point.margins
        for share, difference in zip(shares, self._differences, strict=True):
            self._margins += float(share) * difference.margins
        loss = self._problem.loss.evaluate(self._margins, self._residual)
        return loss, loss + self._penalty / 2 * self._square(shares)

    def _square(self, shares: npt.NDArray[np.float64]) -> float:
        grown = self._point.square + 2 * shares @ self._cross + shares @ self._squares @ shares
        return max(float(grown), 0.0)
