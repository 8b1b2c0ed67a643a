"""A curve over [0, 1], seen only through Beta distributions: accuracy given the true frequency."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import interpolate, optimize, special

from freshset.stats.types import FloatArray

KNOTS = (0.5, 0.7, 0.9)
_DEGREE = 3
N_CURVE = len(KNOTS) + _DEGREE + 1


@cache
def _pieces() -> tuple[FloatArray, FloatArray]:
    """Ends of the pieces, and coefficients of 1, s, s^2, s^3 (basis, pieces, powers)."""
    knots = np.r_[[0.0] * (_DEGREE + 1), KNOTS, [1.0] * (_DEGREE + 1)]
    ends = np.r_[0.0, KNOTS, 1.0]
    out = np.zeros((N_CURVE, len(ends) - 1, _DEGREE + 1))
    for number, one in enumerate(np.eye(N_CURVE)):
        spline = interpolate.BSpline(knots, one, _DEGREE)
        for piece, low in enumerate(ends[:-1]):
            local = np.polynomial.Polynomial(
                [float(spline.derivative(d)(low)) if d else float(spline(low)) for d in range(4)]
                / np.array([1.0, 1.0, 2.0, 6.0])
            )
            whole = local(np.polynomial.Polynomial([-low, 1.0]))
            out[number, piece, : len(whole.coef)] = whole.coef
    return ends, out


def curve_means(a: FloatArray, b: FloatArray) -> FloatArray:
    """Means of the basis of the curve under Beta distributions, in closed form.

    Parameters
    ----------
    a, b
        Parameters, any one shape.

    Returns
    -------
    ndarray, shape (*a.shape, 7)
        Cubic B-splines with knots .5, .7 and .9; they add up to 1.

    Notes
    -----
    The mean of s^p below t is the p-th moment times the distribution function at t of a Beta with
    a + p in place of a.  No density is evaluated, which at 0 and 1 may be infinite.
    """
    ends, pieces = _pieces()
    power = np.arange(_DEGREE + 1)
    a, b = np.asarray(a, dtype=float)[..., None], np.asarray(b, dtype=float)[..., None]
    raised = np.cumprod(
        np.concatenate([np.ones_like(a), (a + power[:-1]) / (a + b + power[:-1])], -1), -1
    )
    below = special.betainc((a + power)[..., None], b[..., None], ends)
    moments = raised[..., None] * np.diff(below, axis=-1)
    return np.asarray(np.einsum("...pi,jip->...j", moments, pieces))


def bounded_curves(
    design: FloatArray, observed: FloatArray, weights: FloatArray, *, bend: float = 0.2
) -> FloatArray:
    """Fit the coefficients of curves by least squares, each between 0 and 1.

    Parameters
    ----------
    design
        Mean of the basis given each cell, shape (cells, 7).
    observed
        Share of right answers in each cell, shape (models, cells).
    weights
        Items of each cell, shape (cells,).
    bend
        Standard deviation that is expected of the second differences of neighbouring coefficients;
        it settles what few cells leave open, and is overruled by data.

    Returns
    -------
    ndarray, shape (models, 7)
        Coefficients within [0, 1], so that the curves lie there too.

    References
    ----------
    Eilers and Marx (1996), Statistical Science 11:89, for the penalty on second differences.
    """
    scale = 2 * np.sqrt(weights)
    penalty = np.diff(np.eye(N_CURVE), n=2, axis=0) / bend
    left = np.concatenate([design * scale[:, None], penalty])
    right = np.concatenate([(observed * scale).T, np.zeros((len(penalty), len(observed)))])
    curves = np.linalg.lstsq(left, right, rcond=None)[0].T
    for model in np.flatnonzero(((curves < 0) | (curves > 1)).any(axis=1)):
        solved = optimize.lsq_linear(left, right[:, model], bounds=(0, 1), method="bvls")
        curves[model] = solved.x
    return np.asarray(np.clip(curves, 0, 1))
