"""Small problems for the probe, and objectives computed the plain way in float64."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logsumexp

from freshset.transfer.probe.arrays import Arrays
from freshset.transfer.probe.design import Design
from freshset.transfer.probe.examples import Examples
from freshset.transfer.probe.losses import Softmax
from freshset.transfer.probe.problem import Problem


def clusters(
    seed: int, n: int = 120, d: int = 6, k: int = 3, *, spread: float = 1.0, skew: float = 1.0
) -> Examples:
    """Gaussian classes whose features have unlike scales."""
    rng = np.random.default_rng(seed)
    # The world first, so that sets of other sizes are of the same one.
    means, mix, shift = rng.normal(size=(k, d)), rng.normal(size=(d, d)), rng.normal(size=d)
    labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    x = means[labels] + spread * rng.normal(size=(n, d))
    return Examples((x @ mix) * np.arange(1, d + 1) ** -skew + shift, labels)


def objective(x, y, weights, intercepts, penalty) -> float:
    """The multinomial objective by its definition."""
    z = np.asarray(x, float) @ np.asarray(weights, float).T + intercepts
    losses = logsumexp(z, axis=1) - z[np.arange(len(z)), y]
    return float(losses.sum() + penalty / 2 * np.square(np.asarray(weights, float)).sum())


def sigmoid_objective(x, shown, weights, intercepts, penalty) -> float:
    """The objective of one sigmoid a class, by its definition."""
    z = np.asarray(x, float) @ np.asarray(weights, float).T + intercepts
    p = expit(np.where(shown, z, -z))
    return float(-np.log(p).sum() + penalty / 2 * np.square(np.asarray(weights, float)).sum())


def multilabel(seed: int, n: int = 150, d: int = 5, k: int = 4) -> Examples:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    z = x @ rng.normal(size=(d, k)) + rng.normal(size=(n, k))
    return Examples(x, z > np.quantile(z, 0.7, axis=0))


def problem_of(arrays: Arrays, seed: int, **shape: int) -> tuple[Problem, np.ndarray, np.ndarray]:
    """A multinomial problem in float64, with its features and labels in its own order."""
    train = clusters(seed, **shape)
    order = np.argsort(train.labels, kind="stable")
    x, y = train.features[order], train.labels[order]
    design = Design(arrays, x, np.arange(len(x)), dtype="float64", narrow=3)
    return Problem(arrays, design, Softmax(arrays, y), "float64"), x, y
