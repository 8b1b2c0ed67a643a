from __future__ import annotations

import numpy as np
import pytest
from fakes.pictures import discs
from skimage.metrics import structural_similarity

from freshset.core.errors import DataError
from freshset.replication.duplicates.ssim import box_sums, plane, plane_ssim, ssim


@pytest.mark.parametrize("shape", [(256, 256, 3), (35, 40, 3), (64, 50, 1)])
def test_ssim_is_that_of_scikit_image(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    one = rng.integers(0, 256, shape, np.uint8)
    for other in (
        rng.integers(0, 256, shape, np.uint8),
        one,
        one // 2,
        one[::-1],
        one * 0,
        one | 255,
    ):
        expected = structural_similarity(one, other, channel_axis=-1, win_size=35, data_range=255)
        assert ssim(one, other) == pytest.approx(float(expected), abs=1e-9)


def test_of_pictures_too(rng: np.random.Generator) -> None:
    one, other = discs(rng), discs(rng)
    expected = structural_similarity(one, other, channel_axis=-1, win_size=35, data_range=255)
    assert ssim(one, other) == pytest.approx(float(expected), abs=1e-9)
    shifted = np.roll(one, 2, axis=0)
    expected = structural_similarity(one, shifted, channel_axis=-1, win_size=7, data_range=255)
    assert ssim(one, shifted, window=7) == pytest.approx(float(expected), abs=1e-9)


def test_constant_pictures() -> None:
    grey = np.full((40, 40, 3), 100, np.uint8)
    assert ssim(grey, grey) == pytest.approx(1)
    black = np.zeros((40, 40, 3), np.uint8)
    assert 0 < ssim(grey, black) < 0.01


def test_window_sums_are_exact_though_the_running_sums_wrap_around() -> None:
    white = np.full((256, 256), 255 * 255, np.uint32)
    assert white.sum(dtype=np.uint64) > 2**31
    assert (box_sums(white, 35) == 35 * 35 * 255 * 255).all()
    assert (box_sums(white, 256) == 256 * 256 * 255 * 255).all()


def test_a_plane_knows_its_windows(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (40, 50), np.uint8)
    one = plane(pixels)
    window = pixels[3:38, 4:39].astype(float)
    assert one.mean[3, 4] == pytest.approx(window.mean())
    assert one.variance[3, 4] == pytest.approx(window.var(ddof=1))
    assert plane_ssim(one, one) == pytest.approx(1)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (np.zeros((40, 40, 3), np.uint8), np.zeros((40, 41, 3), np.uint8), "have no SSIM"),
        (np.zeros((34, 40, 3), np.uint8), np.zeros((34, 40, 3), np.uint8), "the first image: "),
        (np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3)), "the second image: "),
        (np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8), "the first image: "),
    ],
)
def test_other_arrays_are_refused(one: np.ndarray, other: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ssim(one, other)
