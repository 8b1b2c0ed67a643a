"""Calibration error: how far confidence is from accuracy, bin by bin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.stats.intervals import outward_ranks
from freshset.stats.means import Measured, Sampling, without_interval
from freshset.stats.types import BoolArray, Estimate, FloatArray, IntArray

BINS = 15

# A bin this many standard errors from zero is taken to lie on the side where it was seen.
_SURE = 3.0


def equal_width_bins(confidence: npt.NDArray[Any], bins: int = BINS) -> IntArray:
    """Bin of each confidence: bin b holds (b / bins, (b + 1) / bins], and the first one 0 as well.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", ICML.
    """
    edges = np.linspace(0, 1, bins + 1)
    where = np.searchsorted(edges, confidence.astype(np.float64), side="left") - 1
    return np.clip(where, 0, bins - 1)


def equal_mass_bins(confidence: npt.NDArray[Any], bins: int = BINS) -> IntArray:
    """Bin of each confidence such that the bins hold equally many items.

    Items of equal confidence share a bin, so the bins do not depend on the order of the items; many
    of them make bins uneven, or leave some empty.

    References
    ----------
    Nixon, Dusenberry, Zhang, Jerfel and Tran (2019), "Measuring calibration in deep learning", CVPR
    workshops.
    """
    _, ids, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    # Twice the middle rank of every group of equals, kept whole.
    middle = 2 * counts.cumsum() - counts
    return np.asarray((middle * bins // (2 * len(confidence)))[ids], dtype=np.int64)


def calibration_error(
    correct: BoolArray, confidence: npt.NDArray[Any], bin_ids: IntArray, sampling: Sampling
) -> Measured:
    """Expected calibration error: mean over items of |accuracy - confidence| of their bin.

    Parameters
    ----------
    correct, confidence, bin_ids
        Whether the first prediction is right, its probability, and its bin, shape (n,).

    Notes
    -----
    Noise moves every bin away from zero and none towards it, so the error of few items is too high,
    and resampling adds the same once more: the percentiles of a bootstrap lie above the truth, and
    never hold the 0 of a perfectly calibrated model.  The bounds here come from what the bins may be
    off: answers drawn anew in each bin, with its share of right ones after adding one right and one
    wrong, and taken in both directions, since a share near 0 or 1 varies more on one side.
    Downwards the error is off by at most the sum over bins of that, with its sign where a bin lies 3
    standard errors from zero, else by size.  Upwards it is off by that sum with the signs that were
    seen.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), AAAI, and Guo and others (2017), ICML, for the error;
    Andrews and Soares (2010), Econometrica 78:119, for telling the bins whose sign is sure; Agresti
    and Caffo (2000), The American Statistician 54:280, for the two added answers.
    """
    gap = correct.astype(np.float64) - confidence
    _, ids, sizes = np.unique(bin_ids, return_inverse=True, return_counts=True)
    n = len(correct)
    seen = np.bincount(ids, weights=gap) / n
    value = float(np.abs(seen).sum())
    if sampling.rng is None:
        return without_interval(value, "no draws were asked for")
    share = (np.bincount(ids, weights=correct) + 1) / (sizes + 2)
    drawn = sampling.rng.binomial(sizes, share, size=(sampling.n_resamples, len(sizes)))
    off = (drawn - sizes * share) / n
    sure = np.abs(seen) > _SURE * np.sqrt(sizes * share * (1 - share)) / n
    bounds = [_bounds(seen, moved, sure, sampling) for moved in (off, -off)]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    method = f"answers redrawn within bins, {sampling.n_resamples} times"
    return Estimate(value, max(0.0, low), min(1.0, high)), method


def _bounds(
    seen: FloatArray, off: FloatArray, sure: BoolArray, sampling: Sampling
) -> tuple[float, float]:
    """Bounds of the error from what the bins may be off, shape (resamples, bins)."""
    value, signed = float(np.abs(seen).sum()), np.where(seen < 0, -off, off)
    up = np.sort(np.where(sure, signed, np.abs(off)).sum(axis=1))
    down = np.sort(signed.sum(axis=1))
    first, last = outward_ranks(sampling.n_resamples, level=sampling.level)
    # Of few resamples none may lie on one side.
    return value - max(float(up[last]), 0.0), value - min(float(down[first]), 0.0)
