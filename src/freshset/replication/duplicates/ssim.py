"""Structural similarity (SSIM) as the papers use it, exactly.

Wang, Bovik, Sheikh and Simoncelli (2004), Image quality assessment: from error visibility to structural
similarity, IEEE Transactions on Image Processing 13, equation 13, with a uniform window, as
``skimage.metrics.structural_similarity(channel_axis=-1, win_size=35, data_range=255)`` computes it:
windows inside the image only, sample covariances, the mean over windows and channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.replication.duplicates.rows import Rows

WINDOW = 35
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Plane:
    """One channel of an image, and what SSIM needs of it alone.

    Attributes
    ----------
    pixels
        Shape (height, width).
    mean, variance
        Of each window, variance with n - 1; shape (height - window + 1, width - window + 1).
    """

    pixels: npt.NDArray[np.uint32]
    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]


def plane(pixels: Pixels, window: int = WINDOW) -> Plane:
    """Measure one channel, shape (height, width)."""
    whole = pixels.astype(np.uint32)
    n = window * window
    sums = box_sums(whole, window)
    mean = sums / n
    variance = (box_sums(whole * whole, window) - sums * mean) / (n - 1)
    return Plane(whole, mean, variance)


def plane_ssim(x: Plane, y: Plane) -> float:
    """SSIM of two channels: the mean over windows."""
    window = x.pixels.shape[0] - x.mean.shape[0] + 1
    n = window * window
    means = x.mean * y.mean
    covariance = box_sums(x.pixels * y.pixels, window) / (n - 1)
    covariance -= means * (n / (n - 1))
    above = (2 * means + C1) * (2 * covariance + C2)
    below = (x.mean * x.mean + y.mean * y.mean + C1) * (x.variance + y.variance + C2)
    above /= below
    return float(above.mean())


def ssim(x: Pixels, y: Pixels, window: int = WINDOW) -> float:
    """SSIM of two images of one size.

    Parameters
    ----------
    x, y
        uint8, shape (height, width, channels).
    window
        Side of the window in pixels, odd.

    Raises
    ------
    DataError
        When the sizes differ, or a side is shorter than the window.
    """
    check_images(x[None], "the first image", window)
    check_images(y[None], "the second image", window)
    if x.shape != y.shape:
        raise DataError(
            f"Images of shapes {x.shape} and {y.shape} have no SSIM.", "Resize them to one size."
        )
    channels = range(x.shape[2])
    parts = [plane_ssim(plane(x[..., c], window), plane(y[..., c], window)) for c in channels]
    return float(np.mean(parts))


def box_sums(values: npt.NDArray[np.uint32], window: int) -> npt.NDArray[np.uint32]:
    """Sums over all windows inside an array, exact as long as they fit 32 bits.

    The running sums wrap around, their differences are right all the same.  Squares of 8 bits in a
    window of up to 256 x 256 fit.
    """
    down = np.cumsum(values, axis=-2, dtype=np.uint32)
    rows = down[..., window - 1 :, :].copy()
    rows[..., 1:, :] -= down[..., :-window, :]
    along = np.cumsum(rows, axis=-1, dtype=np.uint32)
    out = along[..., window - 1 :].copy()
    out[..., 1:] -= along[..., :-window]
    return out


def check_images(images: Rows, what: str, window: int = WINDOW) -> None:
    """Check that images are uint8, shape (n, height, width, channels), no side under the window.

    Raises
    ------
    DataError
        When they are not; names ``what``.
    """
    shape = images.shape
    if images.dtype != np.uint8 or len(shape) != 4 or min(shape[1:3], default=0) < window:
        raise DataError(
            f"{what}: an array of shape {tuple(shape)} and type {images.dtype}.",
            f"SSIM takes 8-bit images with sides of at least {window} pixels.",
        )
