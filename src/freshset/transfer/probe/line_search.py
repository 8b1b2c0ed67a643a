"""A line search that never touches the features: margins are linear along a direction."""

from __future__ import annotations

from dataclasses import dataclass

from freshset.transfer.probe.arrays import Array
from freshset.transfer.probe.problem import Point, Problem

_TRIALS = 25
# Accept when the slope has shrunk to these shares, below and beyond the minimum of the line.
_SHORT, _FAR = 0.9, 0.7


@dataclass(slots=True)
class Line:
    """The objective along one direction.

    Attributes
    ----------
    direction
        Vector of weights and intercepts.
    change
        Of the margins along it, shape (classes, n).
    slope
        Of the objective at the start; negative.
    """

    direction: Array
    change: Array
    slope: float


def search(problem: Problem, start: Point, line: Line, penalty: float, spare: Array) -> float:
    """Move ``start`` along a line to where the objective is lower and flatter.

    Parameters
    ----------
    problem
        Of which the objective is.
    start
        Updated in place, but for its old margins, which are left in no use.
    line
        Where to look.  The full step is tried first.
    penalty
        L2 penalty.
    spare
        An array like the margins, overwritten; swapped with those of the point.

    Returns
    -------
    float
        The length of the step; 0 when rounding hides every improvement, and the point then stands
        where it stood.

    Notes
    -----
    The objective is convex, so its slope grows along the line; the weak Wolfe condition on the slope
    is asked for on both sides, and the decrease up to the rounding of the sum (Hager and Zhang (2005),
    SIAM Journal on Optimization 16:170, the "approximate Wolfe" condition).
    """
    xp = problem.arrays.xp
    cross = problem.weight_dot(start.flat, line.direction)
    square = problem.weight_dot(line.direction, line.direction)
    before = start.objective(penalty)
    limit = before + problem.noise * abs(before)
    low, low_slope, high, high_slope = 0.0, line.slope, None, 0.0
    step = 1.0
    for _ in range(_TRIALS):
        xp.multiply(line.change, step, out=spare)
        spare += start.margins
        loss = problem.loss.evaluate(spare, start.residual)
        grown = start.square + 2 * step * cross + step * step * square
        value = loss + penalty / 2 * grown
        slope = float((start.residual * line.change).sum(dtype=xp.float64))
        slope += penalty * (cross + step * square)
        if value <= limit and _SHORT * line.slope <= slope <= -_FAR * line.slope:
            start.flat = start.flat + step * line.direction
            start.margins[:] = spare
            start.loss, start.square = loss, max(grown, 0.0)
            return step
        if slope > 0 or not value <= limit:
            high, high_slope = step, max(slope, 0.0)
        else:
            low, low_slope = step, slope
        step = _next(low, low_slope, high, high_slope, line.slope)
    start.loss = problem.loss.evaluate(start.margins, start.residual)
    return 0.0


def _next(
    low: float, low_slope: float, high: float | None, high_slope: float, slope: float
) -> float:
    """Where the slope, as a straight line through what is known, is zero; kept off the ends."""
    if high is None:
        # Beyond the longest step so far: the secant through it and the start, at most four times it.
        rate = (slope - low_slope) / slope
        return low * min(4.0, max(1.5, 1 / rate if rate > 0 else 4.0))
    if high_slope <= 0:
        return (low + high) / 2
    share = -low_slope / (high_slope - low_slope)
    return low + (high - low) * min(0.9, max(0.1, share))
