"""What the tests of the statistics share: a population that looks real, and its simulated items.

Coverage tests use a fixed seed and a tolerance of three standard errors of the simulation, so that
a failure means a change of method and not bad luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from scipy import special

# A slow machine must not fail a property, and a commit must not fail by the draw of another one.
settings.register_profile("statistics", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("statistics")

_CONVNETS = Path(__file__).parent / "data" / "imagenetv2_convnets.csv"


@dataclass(frozen=True, slots=True)
class Population:
    """Accuracies (fractions) of models on infinitely many items of two kinds."""

    old: npt.NDArray[np.float64]
    new: npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def convnets() -> Population:
    """Published accuracies of 64 networks on ImageNet and ImageNetV2 MatchedFrequency."""
    percent = np.loadtxt(_CONVNETS, delimiter=",", skiprows=4, usecols=(1, 2))
    return Population(*(percent.T / 100))


@pytest.fixture(scope="session")
def population(convnets: Population) -> Population:
    """The 64 networks with the sampling noise of the new set taken out.

    The residuals of the probit line hold model-specific effects and item noise.  The pairs of
    models disagree on 17 % of the new items, which puts .29 point of item noise into a residual
    of .56: shrinking residuals by .89 leaves what infinitely many items would show.
    """
    x, y = special.ndtri(convnets.old), special.ndtri(convnets.new)
    slope, intercept = np.polyfit(x, y, 1)
    line = intercept + slope * x
    return Population(convnets.old, special.ndtr(line + 0.89 * (y - line)))


Items = Callable[[np.random.Generator, npt.NDArray[np.float64], int], npt.NDArray[np.bool_]]


@pytest.fixture(scope="session")
def correlated_items() -> Items:
    """Simulate correctness, shape (models, items), of models with given accuracies.

    Scalar-difficulty model: an item's difficulty is shared by all models and the rest of its
    chance is each model's own.  A shared part of .86 of the variance gives the similarity that
    the 64 networks have on real images (.855 on the old set, .831 on the new one).
    """

    def simulate(
        rng: np.random.Generator, accuracy: npt.NDArray[np.float64], n: int, shared: float = 0.86
    ) -> npt.NDArray[np.bool_]:
        difficulty = np.sqrt(shared, dtype=np.float32) * rng.standard_normal(n, dtype=np.float32)
        own = rng.standard_normal((accuracy.size, n), dtype=np.float32)
        own *= np.sqrt(1 - shared, dtype=np.float32)
        skill = special.ndtri(accuracy).astype(np.float32)
        return np.asarray(difficulty + own < skill[:, None])

    return simulate
