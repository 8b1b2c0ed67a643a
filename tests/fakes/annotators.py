"""Simulated annotators and models: images with a known true selection frequency."""

from __future__ import annotations

import numpy as np

from freshset.stats.matching import Judged


def frequencies(rng: np.random.Generator, items: int, *, hard: float) -> np.ndarray:
    """True frequencies of a pool in which a share of the images is doubtful."""
    doubtful = rng.random(items) < hard
    return np.where(doubtful, rng.beta(1, 2, items), rng.beta(6, 1.3, items))


def right(rng: np.random.Generator, s: np.ndarray, models: int = 4) -> np.ndarray:
    """Models whose accuracy depends on the true frequency alone, so that the true gap is 0."""
    skill = np.linspace(0.6, 1, models)[:, None]
    return rng.random((models, len(s))) < skill * (0.15 + 0.8 * s**1.5)


def answered(rng: np.random.Generator, items: int, n: int, *, hard: float) -> Judged:
    """A set of such images, each judged by n annotators."""
    s = frequencies(rng, items, hard=hard)
    selected = rng.binomial(n, s).astype(float)
    return Judged(selected, np.full(items, float(n)), right(rng, s))
