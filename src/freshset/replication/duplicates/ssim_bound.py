r"""An upper bound of SSIM by matrix products, so that it is computed for few pairs only.

SSIM is the mean over windows w of S_w = m_w c_w with::

    m = l g,   l = (2 mu_x mu_y + C1) / (mu_x**2 + mu_y**2 + C1),   g = 2 s_x s_y / (s_x**2 + s_y**2)
    c = (cov + C2 / 2) / (s_x s_y) = <u_x, u_y>,                    s = sqrt(variance + C2 / 2)

where ``u`` is the window's pixels less their mean, divided by sqrt(n - 1) s, with sqrt(C2 / 2) / s as one
more coordinate: a unit vector.  l and g lie between 0 and 1.

Windows are taken in groups of 8 x 8 neighbours, which share most of their pixels.  For a group G of
windows, U is the long vector of all its u, of squared length \|G\|:

1. For any m_G in [0, 1]: sum S_w <= m_G sum c_w + sum \|m_w - m_G\|, as \|c_w\| <= 1.
2. sum c_w = <U_x, U_y> <= <P U_x, P U_y> + D_x D_y for any orthogonal projection P, by the inequality of
   Cauchy and Schwarz for what P leaves: D**2 = \|G\| - \|P U\|**2.  P goes onto the indicators of cells of
   4 x 4 pixels, each in all windows of the group that hold it whole, and the constant of the last
   coordinate.  That makes about 100 numbers of 64 x 1,226, and one matrix product for all pairs.
3. m_G is the formula above at the group's mean mu and s.  With t = log sqrt(mu**2 + C1 / 2) and
   phi = atan(mu / sqrt(C1 / 2)), l = sech(t_x - t_y) cos(phi_x - phi_y), and
   g = sech(log s_x - log s_y).  \|sech'\| <= 1/2 and \|cos'\| <= 1, hence
   \|m_w - m_G\| <= (A_x + A_y)(w) with A = \|d log s\| / 2 + \|d t\| / 2 + \|d phi\|, the differences between
   window and group, which need one image only.

So the mean of m_G (<f_x, f_y>) over groups, f with D as one more number, plus the images' own means of
A, is at least the SSIM.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.replication.duplicates.ssim import C1, C2, WINDOW, Pixels, Plane, plane

Floats = npt.NDArray[np.float32]

GROUP = 8
CELL = 4
SLACK = 1e-3
"""Of a bound: far more than what float32 rounds."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the bound needs of some images.

    Attributes
    ----------
    features
        f of each group, shape (channels, groups, images, numbers).
    mean, spread
        Mean of mu and of s in each group, shape (channels, groups, images).
    drift
        Mean of A, shape (channels, images).
    windows
        How many windows an image has.
    """

    features: Floats
    mean: Floats
    spread: Floats
    drift: Floats
    windows: int


def profile(images: Pixels, window: int = WINDOW) -> Profile:
    """Profile images, shape (n, height, width, channels)."""
    n, height, width, channels = images.shape
    down, across = (-(-(side - window + 1) // GROUP) for side in (height, width))
    numbers = _cells(window) ** 2 + 2
    features = np.empty((channels, down * across, n, numbers), np.float32)
    mean, spread = np.empty((2, channels, down * across, n), np.float32)
    drift = np.empty((channels, n), np.float32)
    for i, image in enumerate(images):
        for c in range(channels):
            one = plane(image[..., c], window)
            features[c, :, i], mean[c, :, i], spread[c, :, i], drift[c, i] = _describe(one)
    return Profile(features, mean, spread, drift, (height - window + 1) * (width - window + 1))


def upper_bounds(x: Profile, y: Profile) -> Floats:
    """Bounds of SSIM, channel by channel, for all pairs; shape (channels, images of x, of y)."""
    channels, groups = x.mean.shape[:2]
    out = np.zeros((channels, x.mean.shape[2], y.mean.shape[2]), np.float32)
    for c in range(channels):
        for start in range(0, groups, _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            weighted = np.matmul(x.features[c, some], y.features[c, some].swapaxes(1, 2))
            # Numerator and denominator of m_G have rank 2 and 4, so that products make them as well.
            (a, b), (p, q) = (
                _as_x(x.mean[c, some], x.spread[c, some]),
                _as_y(y.mean[c, some], y.spread[c, some]),
            )
            weighted *= np.matmul(a, p)
            weighted /= np.matmul(b, q)
            out[c] += weighted.sum(axis=0)
        out[c] /= x.windows
        out[c] += x.drift[c][:, None] + y.drift[c][None, :]
    out += SLACK
    return out


_AT_ONCE = 8


def _as_x(mu: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Left factors of 2 s s' (2 mu mu' + C1) and of (s**2 + s'**2)(mu**2 + mu'**2 + C1)."""
    r, q = s * s, mu * mu + np.float32(C1 / 2)
    return np.stack([4 * s * mu, 2 * np.float32(C1) * s], -1), np.stack([r * q, r, q, r**0], -1)


def _as_y(mu: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Right factors."""
    r, q = s * s, mu * mu + np.float32(C1 / 2)
    return np.stack([s * mu, s], -2), np.stack([r**0, q, r, r * q], -2)


def _cells(window: int) -> int:
    """Cells along a side that some window of a group holds whole."""
    return (GROUP + window - 1) // CELL


def _describe(one: Plane) -> tuple[Floats, Floats, Floats, np.float32]:
    """Features, mean and spread of each group, and the drift."""
    window = one.pixels.shape[0] - one.mean.shape[0] + 1
    middle = 128.0  # pixels about zero have less to round
    mu = (one.mean - middle).astype(np.float32)
    s = np.sqrt(one.variance + C2 / 2).astype(np.float32)
    real = _grouped(np.ones_like(s))
    counts = real.sum(axis=(1, 3))
    groups = counts.shape
    inverse = _grouped(np.reciprocal(s))
    start = np.arange(GROUP)[:, None]
    cell = np.arange(_cells(window))[None, :] * CELL
    inside = ((start <= cell) & (cell + CELL <= start + window)).astype(np.float32)
    weights = _by_cell(inverse, inside)
    offsets = _by_cell(_grouped(mu / s), inside)
    held = inside.sum(axis=0)
    area = CELL * CELL
    raw = _cell_sums(one.pixels, middle, groups, cell.size) * weights - area * offsets
    raw /= np.sqrt((window * window - 1) * area * held[:, None] * held[None, :])
    flat = raw.reshape(*groups, -1)
    last = math.sqrt(C2 / 2) / GROUP * inverse.sum(axis=(1, 3))
    rest = counts - np.vecdot(flat, flat) - last * last
    # Rounding must not make a bound of what is left smaller than it is.
    left = np.sqrt(np.maximum(rest, 0) + 1e-4 * counts)
    features = np.concatenate([flat, last[..., None], left[..., None]], axis=-1)
    mean_mu = _grouped(mu).sum(axis=(1, 3)) / counts + np.float32(middle)
    mean_s = _grouped(s).sum(axis=(1, 3)) / counts
    drift = _drift(one, s, mean_mu, mean_s)
    return features.reshape(-1, features.shape[-1]), mean_mu.ravel(), mean_s.ravel(), drift


def _drift(one: Plane, s: Floats, mean_mu: Floats, mean_s: Floats) -> np.float32:
    down, across = s.shape

    def differences(values: Floats, of_group: Floats) -> Floats:
        spread = np.repeat(np.repeat(of_group, GROUP, axis=0), GROUP, axis=1)[:down, :across]
        return np.asarray(np.abs(values - spread), dtype=np.float32)

    def angles(mu: Floats) -> tuple[Floats, Floats]:
        return np.log(mu * mu + C1 / 2) / 2, np.arctan(mu / math.sqrt(C1 / 2))

    mu = one.mean.astype(np.float32)
    (t, phi), (mean_t, mean_phi) = angles(mu), angles(mean_mu)
    away = differences(np.log(s), np.log(mean_s)) / 2
    away += differences(t, mean_t) / 2 + differences(phi, mean_phi)
    return np.float32(away.mean())


def _grouped(values: Floats) -> Floats:
    """Windows by group, shape (groups down, GROUP, groups across, GROUP); zero where there are none."""
    down, across = (-(-side // GROUP) * GROUP for side in values.shape)
    out = np.zeros((down, across), np.float32)
    out[: values.shape[0], : values.shape[1]] = values
    return out.reshape(down // GROUP, GROUP, across // GROUP, GROUP)


def _by_cell(values: Floats, inside: Floats) -> Floats:
    """Sum over the windows of a group that hold a cell; shape (down, across, cells, cells)."""
    rows = np.tensordot(values, inside, axes=(3, 0))
    return np.asarray(np.matmul(inside.T, rows.transpose(0, 2, 1, 3)), dtype=np.float32)


def _cell_sums(
    pixels: npt.NDArray[np.uint32], middle: float, groups: tuple[int, ...], cells: int
) -> Floats:
    """Pixels less the middle, summed in cells, for each group; zero beyond the image."""
    sides = [(count - 1) * GROUP // CELL + cells for count in groups]
    out = np.zeros(sides, np.float32)
    h, w = (min(side // CELL, room) for side, room in zip(pixels.shape, sides, strict=True))
    part = pixels[: h * CELL, : w * CELL].reshape(h, CELL, w, CELL)
    out[:h, :w] = part.sum(axis=(1, 3)) - CELL * CELL * middle
    step = GROUP // CELL
    return np.lib.stride_tricks.sliding_window_view(out, (cells, cells))[::step, ::step]
