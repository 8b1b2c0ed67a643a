"""The memory of L-BFGS: recent steps, and directions made of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from freshset.transfer.probe.arrays import Array
from freshset.transfer.probe.problem import Problem

_STEPS = 6


@dataclass(frozen=True, slots=True)
class _Step:
    """A step, the change of the gradient, that change preconditioned, and 1 / (step . change)."""

    step: Array
    change: Array
    conditioned: Array
    inverse: float


class Memory:
    """Steps at one penalty, and the scale of the preconditioner, which outlives it.

    References
    ----------
    Nocedal (1980), "Updating quasi-Newton matrices with limited storage", Mathematics of Computation
    35:773, with a preconditioner in place of a multiple of the identity.
    """

    def __init__(self, problem: Problem, scale: float) -> None:
        self._problem, self.scale = problem, scale
        self._steps: deque[_Step] = deque(maxlen=_STEPS)

    def __len__(self) -> int:
        return len(self._steps)

    def clear(self) -> None:
        """Forget the steps."""
        self._steps.clear()

    def add(self, step: Array, change: Array, conditioned: Array) -> None:
        """Remember a step along which the gradient grew; others would break positive definiteness."""
        dot = self._problem.dot
        along, size = dot(step, change), dot(change, conditioned)
        if along > 0 and size > 0:
            self._steps.append(_Step(step, change, conditioned, 1 / along))
            self.scale = along / size

    def direction(self, gradient: Array, conditioned: Array) -> Array:
        """Direction of descent, from a gradient and the same preconditioned.

        The preconditioner is linear: what it makes of the two-loop recursion's inner vector follows
        from what it made of the gradients, so it is applied once an iteration.
        """
        dot = self._problem.dot
        inner, out, shares = gradient + 0, conditioned + 0, []
        for past in reversed(self._steps):
            share = past.inverse * dot(past.step, inner)
            inner -= share * past.change
            out -= share * past.conditioned
            shares.append(share)
        out *= self.scale
        for past, share in zip(self._steps, reversed(shares), strict=True):
            out += (share - past.inverse * dot(past.change, out)) * past.step
        out *= -1
        return out
