"""A mixture of Gaussians with diagonal covariances, by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from freshset.stats.types import FloatArray

_ITERATIONS = 100
_ENOUGH = 1e-4


@dataclass(frozen=True, slots=True)
class Mixture:
    """A fitted mixture.

    Attributes
    ----------
    posteriors
        Share of each component in each point, shape (n, components); rows sum to 1.
    means, variances
        Shape (components, d).
    weights
        Shape (components,).
    log_likelihood
        Mean a point.
    iterations
        That were made.
    """

    posteriors: FloatArray
    means: FloatArray
    variances: FloatArray
    weights: FloatArray
    log_likelihood: float
    iterations: int


def fit_mixture(
    points: FloatArray,
    components: int,
    *,
    rng: np.random.Generator,
    start: FloatArray | None = None,
) -> Mixture:
    """Fit a mixture.

    Parameters
    ----------
    points
        Shape (n, d).
    components
        At most n.
    start
        Means to start at, shape (components, d); by default points chosen as by k-means++.

    Raises
    ------
    ValueError
        For another number of components than 1 to n, or shapes that do not fit.

    Notes
    -----
    A variance is at least 1e-6 of the points' mean variance, so that no component shrinks onto one
    point.  Stops when the mean log likelihood grows by less than 1e-4.

    References
    ----------
    Dempster, Laird and Rubin (1977), JRSS B 39:1; Arthur and Vassilvitskii (2007), "k-means++", SODA.
    """
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape or not 1 <= components <= len(x):
        raise ValueError("need points of shape (n, d) and 1 to n components")
    means = _spread(x, components, rng) if start is None else np.array(start, dtype=np.float64)
    if means.shape != (components, x.shape[1]):
        raise ValueError("need one mean to start at for each component")
    floor = 1e-6 * max(float(x.var(axis=0).mean()), 1e-300)
    variances = np.tile(x.var(axis=0) + floor, (components, 1))
    weights = np.full(components, 1 / components)
    before = -np.inf
    count = 0
    while count < _ITERATIONS:
        count += 1
        posteriors, likelihood = _expect(x, means, variances, weights)
        if likelihood - before < _ENOUGH:
            break
        before = likelihood
        mass = posteriors.sum(axis=0) + 10 * np.finfo(float).eps
        weights = mass / mass.sum()
        means = posteriors.T @ x / mass[:, None]
        second = posteriors.T @ (x * x) / mass[:, None]
        variances = np.maximum(second - means**2, 0) + floor
    return Mixture(posteriors, means, variances, weights, likelihood, count)


def _expect(
    x: FloatArray, means: FloatArray, variances: FloatArray, weights: FloatArray
) -> tuple[FloatArray, float]:
    precision = 1 / variances
    distance = (x * x) @ precision.T - 2 * x @ (means * precision).T
    distance += (means**2 * precision).sum(axis=1)
    logs = -0.5 * (distance + np.log(2 * np.pi * variances).sum(axis=1)) + np.log(weights)
    total = special.logsumexp(logs, axis=1, keepdims=True)
    return np.exp(logs - total), float(total.mean())


def _spread(x: FloatArray, components: int, rng: np.random.Generator) -> FloatArray:
    """Points that are far from each other: each drawn by its squared distance from those before."""
    chosen = [int(rng.integers(len(x)))]
    nearest = np.square(x - x[chosen[0]]).sum(axis=1)
    while len(chosen) < components:
        total = nearest.sum()
        share = nearest / total if total > 0 else np.full(len(x), 1 / len(x))
        chosen.append(int(rng.choice(len(x), p=share)))
        nearest = np.minimum(nearest, np.square(x - x[chosen[-1]]).sum(axis=1))
    return np.array(x[chosen])
