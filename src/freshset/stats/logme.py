"""LogME: how well features explain labels, by the evidence of a Bayesian linear model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from freshset.stats.types import FloatArray

_ITERATIONS = 100
# Relative change of the ratio of both precisions at which the iteration has arrived.
_ENOUGH = 1e-6
# Singular values below this share of the largest are rounding.
_RANK = 1e-10


def logme(features: npt.NDArray[np.floating], labels: npt.ArrayLike) -> float:
    """Logarithm of the maximum evidence, an example, averaged over classes; higher is better.

    Parameters
    ----------
    features
        Shape (n, d).
    labels
        Class ids, shape (n,), or any targets, shape (n, targets).

    Returns
    -------
    float
        Mean over targets y of ``max log N(y; 0, I / beta + F F' / alpha) / n``.

    Raises
    ------
    ValueError
        For shapes that do not fit, fewer than two classes, and values that are not finite.

    Notes
    -----
    With F = U S V' each evidence depends on S and U'y only, so one decomposition serves all targets,
    and both precisions of all targets are found together by MacKay's fixed point.  For d > n the
    published code of the second paper leaves d - n terms of the determinant out; the first paper's
    counts them, and so does this.

    References
    ----------
    You, Liu, Wang and Long (2021), "LogME: Practical assessment of pre-trained models for transfer
    learning", ICML, arXiv 2102.11005, equation 2 and algorithm 1; You and others (2022), JMLR 23:1,
    arXiv 2110.10545, for the fixed point on singular values.
    """
    f = checked_features(features)
    targets = _targets(labels, len(f))
    n, d = f.shape
    left, values = _decomposed(f)
    squares = values[:, None] ** 2
    inside = (left.T @ targets) ** 2
    outside = np.maximum((targets**2).sum(axis=0) - inside.sum(axis=0), 0)
    alpha, beta = _precisions(squares, inside, outside, n)
    ratio = alpha / beta
    misfit = (inside / (1 + squares / ratio) ** 2).sum(axis=0) + outside
    size = (squares * inside / (ratio + squares) ** 2).sum(axis=0)
    # The d - k directions without a singular value add log(alpha) to the determinant each.
    determinant = np.log(alpha + beta * squares).sum(axis=0) + (d - len(values)) * np.log(alpha)
    evidence = d * np.log(alpha) + n * np.log(beta / (2 * np.pi))
    evidence -= determinant + beta * misfit + alpha * size
    return float((evidence / (2 * n)).mean())


def checked_features(features: npt.NDArray[np.floating]) -> FloatArray:
    """Features as float64, shape (n, d); refuses other shapes and values that are not finite."""
    f = np.asarray(features, dtype=np.float64)
    if f.ndim != 2 or 0 in f.shape:
        raise ValueError("features must have shape (examples, features)")
    bad = ~np.isfinite(f).all(axis=1)
    if bad.any():
        raise ValueError(f"row {int(bad.argmax())} of features is not finite")
    return f


def _targets(labels: npt.ArrayLike, n: int) -> FloatArray:
    given = np.asarray(labels)
    if len(given) != n or given.ndim not in {1, 2}:
        raise ValueError("need one label for each row of features")
    if given.ndim == 2:
        targets = given.astype(np.float64)
        if not np.isfinite(targets).all():
            raise ValueError("targets must be finite")
        return targets
    classes = np.unique(given)
    if len(classes) < 2:
        raise ValueError("need at least two classes")
    return np.asarray(given[:, None] == classes, dtype=np.float64)


def _decomposed(f: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Left singular vectors, shape (n, k), and singular values, by the smaller Gram matrix."""
    n, d = f.shape
    if n <= d:
        squares, left = linalg.eigh(f @ f.T)
        kept = squares > _RANK * max(float(squares[-1]), 1e-300)
        return left[:, kept], np.sqrt(squares[kept])
    squares, right = linalg.eigh(f.T @ f)
    kept = squares > _RANK * max(float(squares[-1]), 1e-300)
    values = np.sqrt(squares[kept])
    return f @ (right[:, kept] / values), values


def _precisions(
    squares: FloatArray, inside: FloatArray, outside: FloatArray, n: int
) -> tuple[FloatArray, FloatArray]:
    """Precision of the weights and of the noise of each target, by MacKay's fixed point."""
    targets = inside.shape[1]
    alpha, beta = np.ones(targets), np.ones(targets)
    if not len(squares):
        # Features that are all 0 leave the noise alone, whatever alpha is.
        return alpha, n / np.maximum(outside, 1e-300)
    # Targets that features explain exactly, or not at all, have no finite optimum.
    floor = 1e-12 * np.maximum(inside.sum(axis=0) + outside, 1e-300)
    for _ in range(_ITERATIONS):
        ratio = alpha / beta
        free = (squares / (squares + ratio)).sum(axis=0)
        size = (squares * inside / (ratio + squares) ** 2).sum(axis=0)
        misfit = (inside / (1 + squares / ratio) ** 2).sum(axis=0) + outside
        alpha = free / np.maximum(size, floor)
        beta = np.maximum(n - free, 1e-9) / np.maximum(misfit, floor)
        if np.all(np.abs(alpha / beta - ratio) <= _ENOUGH * ratio):
            break
    return alpha, beta
