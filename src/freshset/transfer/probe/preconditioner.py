"""An approximate inverse Hessian for every penalty of the path: classes times features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.arrays import Array
from freshset.transfer.probe.problem import Problem


class Preconditioner:
    """Inverse of ``A (x) G + penalty``: A the mean curvature in the logits, G the Gram matrix.

    Parameters
    ----------
    problem
        Gives G, by its largest eigenvalues, their directions and the mean of the rest.
    curvature
        Sum over examples of the Hessian in the logits, shape (classes, classes).
    penalty
        L2 penalty.

    Notes
    -----
    The Hessian is the sum over examples of A_i (x) x_i x_i'.  Replacing A_i by its mean factors it, so
    that in the eigenvectors of A and of G the penalty only changes a diagonal.

    References
    ----------
    Martens and Grosse (2015), "Optimizing neural networks with Kronecker-factored approximate
    curvature", arXiv 1503.05671, section 3, for one layer.
    """

    def __init__(
        self, problem: Problem, curvature: npt.NDArray[np.float64], penalty: float
    ) -> None:
        self._problem = problem
        values, turn = np.linalg.eigh(curvature)
        values = np.maximum(values, 1e-12 * max(float(values[-1]), 1e-300))
        free = 1 / values
        if problem.loss.rank_deficient:
            # Nothing changes when all intercepts move together, and nothing must be divided by that.
            values[0], free[0] = 0.0, 0.0
        put, design = problem.arrays.put, problem.design
        mean = put((values / problem.n).astype(problem.dtype))[:, None]
        self._turn = put(turn.astype(problem.dtype))
        self._free = put(free.astype(problem.dtype))
        self._rest = 1 / (mean * design.rest + penalty)
        self._main = 1 / (mean * design.values[None, :] + penalty) - self._rest

    def __call__(self, flat: Array) -> Array:
        """Apply the inverse to a vector of weights and intercepts."""
        problem, xp = self._problem, self._problem.arrays.xp
        weights, intercepts = problem.split(flat)
        out = problem.new()
        out_weights, out_intercepts = problem.split(out)
        turned = self._turn.T @ weights
        directions = problem.design.directions
        main = turned @ directions
        main *= self._main
        turned *= self._rest
        turned += main @ directions.T
        xp.matmul(self._turn, turned, out=out_weights)
        out_intercepts[:] = self.intercepts(intercepts)
        return out

    def intercepts(self, gradient: Array) -> Array:
        """Newton's step of the intercepts alone, shape (classes,)."""
        return self._turn @ (self._free * (self._turn.T @ gradient))
