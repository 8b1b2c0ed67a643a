from __future__ import annotations

import numpy as np
import pytest
from fakes.pictures import discs
from hypothesis import given, settings
from hypothesis import strategies as st

from freshset.replication.duplicates.ssim import plane, plane_ssim
from freshset.replication.duplicates.ssim_bound import profile, upper_bounds


def by_channel(one: np.ndarray, other: np.ndarray, window: int = 35) -> np.ndarray:
    return np.array(
        [
            plane_ssim(plane(one[..., c], window), plane(other[..., c], window))
            for c in range(one.shape[2])
        ]
    )


def pictures(rng: np.random.Generator, side: int) -> list[np.ndarray]:
    """What is smooth, what is rough, what is flat, and what is nearly another."""
    first = discs(rng, side)
    ramp = np.broadcast_to(np.linspace(0, 255, side)[:, None, None], (side, side, 3))
    stripes = np.zeros((side, side, 3), np.uint8)
    stripes[:, ::2] = 255
    return [
        first,
        discs(rng, side),
        np.roll(first, 3, axis=1),
        (first * 0.7).astype(np.uint8),
        255 - first,
        ramp.astype(np.uint8),
        stripes,
        np.roll(stripes, 1, axis=1),
        np.zeros((side, side, 3), np.uint8),
        np.full((side, side, 3), 255, np.uint8),
        rng.integers(0, 256, (side, side, 3), np.uint8),
        rng.integers(100, 104, (side, side, 3), np.uint8),
    ]


@pytest.mark.parametrize("side", [256, 100, 35, 37])
def test_the_bound_is_never_below_ssim(side: int, rng: np.random.Generator) -> None:
    images = np.stack(pictures(rng, side))
    profiles = profile(images)
    bounds = upper_bounds(profiles, profiles)
    assert bounds.shape == (3, len(images), len(images))
    for i, one in enumerate(images):
        for j, other in enumerate(images[: i + 1]):
            exact = by_channel(one, other)
            assert (bounds[:, i, j] >= exact).all(), (i, j)
            assert (bounds[:, j, i] >= exact).all(), (j, i)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(35, 70), st.integers(35, 70), st.floats(0, 1))
def test_nor_for_any_picture(seed: int, height: int, width: int, mix: float) -> None:
    rng = np.random.default_rng(seed)
    cell = int(rng.integers(1, 40))
    noise = rng.integers(0, 256, (2, -(-height // cell), -(-width // cell), 2), np.uint8)
    one, other = np.repeat(np.repeat(noise, cell, axis=1), cell, axis=2)[:, :height, :width]
    other = (mix * one + (1 - mix) * other).astype(np.uint8)
    bounds = upper_bounds(profile(one[None]), profile(other[None]))
    assert (bounds[:, 0, 0] >= by_channel(one, other)).all()


def test_the_bound_tells_most_pictures_apart(rng: np.random.Generator) -> None:
    images = np.stack([discs(rng) for _ in range(8)])
    profiles = profile(images)
    bounds = upper_bounds(profiles, profiles).mean(axis=0)
    others = bounds[~np.eye(len(images), dtype=bool)]
    assert (np.diag(bounds) >= 1).all()
    assert others.max() < 0.559  # the paper's threshold
