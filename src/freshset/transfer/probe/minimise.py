"""The minimum at one penalty: preconditioned L-BFGS or Newton, then the intercepts and the certificate."""

from __future__ import annotations

from dataclasses import dataclass

from freshset.transfer.probe.arrays import Array
from freshset.transfer.probe.line_search import Line, search
from freshset.transfer.probe.memory import Memory
from freshset.transfer.probe.newton import ExactInverse, is_small
from freshset.transfer.probe.preconditioner import Preconditioner
from freshset.transfer.probe.problem import Point, Problem

Condition = Preconditioner | ExactInverse

# Newton's steps of the intercepts alone: products with the features are not needed for them.
_POLISH = 6
# The penalty dominates where the duality gap is at most so many times the predicted decrease; there
# the tolerance is finer by a share, as far as float32 can tell.
_DOMINATED, _FINER, _FINEST = 5.0, 1e-3, 1e-11


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    tolerance
        Predicted decrease of the objective, as a share of it.
    iterations
        At most, at one penalty.
    """

    tolerance: float
    iterations: int


@dataclass(frozen=True, slots=True)
class Found:
    """How the search at one penalty ended.

    Attributes
    ----------
    iterations
        Of L-BFGS.
    scale
        Of the preconditioner, for the next penalty.
    converged
        Whether the predicted decrease fell below the tolerance, and neither the limit of iterations
        nor rounding ended it.
    """

    iterations: int
    scale: float
    converged: bool = True


class Minimiser:
    """Minimises at one penalty after the other.

    Parameters
    ----------
    problem
        Of which the objective is.
    limits
        When to stop.
    """

    def __init__(self, problem: Problem, limits: Limits) -> None:
        self._problem, self._limits = problem, limits
        self._exact = is_small(problem)
        self._change, self._spare = problem.room(), problem.room()

    def __call__(self, point: Point, penalty: float, scale: float) -> tuple[Found, Condition]:
        """Move a point to the minimum.

        Parameters
        ----------
        point
            Where to start; updated in place.
        penalty
            L2 penalty.
        scale
            Of the preconditioner, from the penalty before.

        Notes
        -----
        Stops when ``-g'D / 2``, the decrease that the quadratic model of the direction D predicts, is
        at most the tolerance times the objective; a thousandth of it where the penalty dominates.
        """
        problem, limits = self._problem, self._limits
        condition = self._condition(point, penalty)
        memory = Memory(problem, scale)
        gradient = problem.gradient(point, penalty)
        conditioned = condition(gradient)
        for iteration in range(limits.iterations):
            direction = memory.direction(gradient, conditioned)
            slope = problem.dot(gradient, direction)
            if abs(slope) / 2 <= self._enough(gradient, slope, penalty) * point.objective(penalty):
                return Found(iteration, memory.scale), condition
            # Rounding can make the memory indefinite, and hide every improvement.
            step = self._move(point, direction, slope, penalty) if slope < 0 else 0.0
            if not step:
                if len(memory):
                    memory.clear()
                    continue
                return Found(iteration, memory.scale, converged=False), condition
            before, conditioned_before = gradient, conditioned
            gradient = problem.gradient(point, penalty)
            if self._exact:
                condition = self._condition(point, penalty)
            conditioned = condition(gradient)
            if not self._exact:
                memory.add(step * direction, gradient - before, conditioned - conditioned_before)
        return Found(limits.iterations, memory.scale, converged=False), condition

    def _enough(self, gradient: Array, slope: float, penalty: float) -> float:
        """Share of the objective that the predicted decrease must fall below."""
        bound = self._problem.weight_dot(gradient, gradient) / (2 * penalty)
        # Where the penalty dominates the curvature, one more iteration gains two digits or more.
        dominated = bound <= _DOMINATED * abs(slope) / 2
        asked = self._limits.tolerance
        return max(_FINER * asked, min(asked, _FINEST)) if dominated else asked

    def _condition(self, point: Point, penalty: float) -> Condition:
        if self._exact:
            return ExactInverse(self._problem, point.residual, penalty)
        curvature = self._problem.loss.curvature(point.residual)
        return Preconditioner(self._problem, curvature, penalty)

    def _move(self, point: Point, direction: Array, slope: float, penalty: float) -> float:
        self._problem.margins(direction, self._change)
        line = Line(direction, self._change, slope)
        return search(self._problem, point, line, penalty, self._spare)

    def refresh(self, point: Point, penalty: float) -> bool:
        """Make the margins anew: they were added up along the way, and extrapolation grows rounding.

        Returns
        -------
        bool
            Whether the objective is what it was thought to be, so that what the search saw was real.
        """
        thought = point.objective(penalty)
        self._problem.margins(point.flat, point.margins)
        point.loss = self._problem.loss.evaluate(point.margins, point.residual)
        point.square = self._problem.weight_dot(point.flat, point.flat)
        trusted = 3 * max(self._limits.tolerance, self._problem.noise) * thought
        return abs(point.objective(penalty) - thought) <= trusted

    def certify(self, point: Point, penalty: float, condition: Condition) -> float:
        """Best intercepts for the weights, and how far the objective can be above its minimum.

        Returns
        -------
        float
            Duality gap: ``|grad_W|^2 / (2 penalty)``, plus twice the decrease that Newton's method
            still predicts for the intercepts, which is of the size of rounding.

        Notes
        -----
        With P the predicted probabilities, P - Y is dual feasible where it sums to 0 over examples,
        which it does at the best intercepts.  The Fenchel dual there is below the objective by exactly
        this; that is also what strong convexity in W gives.
        """
        problem = self._problem
        xp, spare = problem.arrays.xp, self._spare
        aim, left = 0.01 * problem.noise * point.objective(penalty), 0.0
        for _ in range(_POLISH):
            gradient = problem.arrays.zeros((problem.classes,), problem.dtype)
            gradient[:] = point.residual.sum(1, dtype=xp.float64)
            step = condition.intercepts(gradient)
            left = problem.dot(gradient, step)
            if left / 2 <= aim:
                break
            spare[:] = -step[:, None]
            problem.loss.centre(spare)
            spare += point.margins
            loss = problem.loss.evaluate(spare, point.residual)
            if not loss <= point.loss * (1 + problem.noise):
                problem.loss.evaluate(point.margins, point.residual)
                break
            point.flat = point.flat + 0
            problem.split(point.flat)[1][:] -= step
            point.margins[:] = spare
            point.loss = loss
        weights = problem.split(problem.gradient(point, penalty))[0]
        return float((weights * weights).sum(dtype=xp.float64)) / (2 * penalty) + max(left, 0.0)
