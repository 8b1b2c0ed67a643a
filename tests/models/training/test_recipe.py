"""Recipes refuse what cannot be meant, and know the paper's rule of batch normalisation."""

from __future__ import annotations

from typing import Any

import pytest

from freshset.core.errors import UsageError
from freshset.models.training.recipe import Augmentation, Recipe, norm_momentum


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "warm"},
        {"schedule": "linear"},
        {"view": "left"},
        {"precision": "fp64"},
        {"steps": 0},
        {"batch": 0},
        {"warmup": -1},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"decay": -1e-4},
        {"momentum": 1.0},
        {"norm_momentum": 0.0},
    ],
)
def test_refuses_what_cannot_be_meant(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"start": "random", "steps": 10, "batch": 4, "rate": 0.1}
    Recipe(**good)
    with pytest.raises(UsageError):
        Recipe(**(good | wrong))


@pytest.mark.parametrize("wrong", [{"scale": (0.5, 0.1)}, {"scale": (0.5, 1.1)}, {"flip": 2.0}])
def test_refuses_crops_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Augmentation(**wrong)


def test_norm_momentum_is_the_papers() -> None:
    # In TensorFlow's terms max(1 - 10/s, 0.9); torch weighs the new batch instead of the old mean.
    for steps in (3.0, 80.0, 100.0, 101.0, 1000.0):
        assert norm_momentum(steps) == pytest.approx(1 - max(1 - 10 / steps, 0.9))
