"""The exact inverse Hessian, for problems so small that it costs nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.arrays import Array
from freshset.transfer.probe.problem import Problem

# Unknowns up to which a Hessian is made and solved in a few milliseconds.
_UNKNOWNS = 256


def is_small(problem: Problem) -> bool:
    """Whether Newton's method should solve a problem."""
    return bool(problem.classes * (problem.width + 1) <= _UNKNOWNS)


class ExactInverse:
    """Inverse of the Hessian at one point, in float64.

    Parameters
    ----------
    problem
        Of which the Hessian is.
    residual
        Derivatives of the loss at the point, shape (classes, n).
    penalty
        L2 penalty.

    Notes
    -----
    In small problems that nearly have no penalty the curvature sits on a few examples, and a
    factored Hessian can be wrong by orders of magnitude: then its predicted decrease says nothing.
    """

    def __init__(self, problem: Problem, residual: Array, penalty: float) -> None:
        self._problem = problem
        get, classes = problem.arrays.get, problem.classes
        rows = np.column_stack([get(problem.design.rows), np.ones(problem.n)]).astype(np.float64)
        weights = problem.loss.pair_weights(get(residual).astype(np.float64))
        width = problem.width + 1
        hessian = np.zeros((classes, width, classes, width))
        for (k, m), weight in weights.items():
            block = (rows * weight[:, None]).T @ rows
            hessian[k, :, m, :] = hessian[m, :, k, :] = block
        diagonal = np.arange(classes)[:, None], np.arange(width - 1)
        hessian[*diagonal, *diagonal] += penalty
        if problem.loss.rank_deficient:
            # The gradient has no part along equal intercepts, so curvature there changes no step.
            hessian[:, -1, :, -1] += problem.n / classes
        self._hessian = hessian

    def __call__(self, flat: Array) -> Array:
        """Apply the inverse to a vector of weights and intercepts."""
        problem, get = self._problem, self._problem.arrays.get
        weights, intercepts = problem.split(flat)
        both = np.column_stack([get(weights), get(intercepts)]).astype(np.float64)
        size = both.size
        found = _solved(self._hessian.reshape(size, size), both.reshape(-1)).reshape(both.shape)
        return problem.join(found[:, :-1], found[:, -1])

    def intercepts(self, gradient: Array) -> Array:
        """Newton's step of the intercepts alone, shape (classes,)."""
        problem = self._problem
        step = _solved(self._hessian[:, -1, :, -1], problem.arrays.get(gradient).astype(np.float64))
        return problem.arrays.put(step.astype(problem.dtype))


def _solved(
    matrix: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Solution with a positive definite matrix, each unknown in its own unit."""
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * scale[:, None] * scale
    # Rounding may leave no curvature at all where classes are certain.
    scaled[np.diag_indices_from(scaled)] += 1e-14
    return np.asarray(scale * np.linalg.solve(scaled, scale * right))
