"""Eleven-point interpolated average precision, the mean over classes of VOC 2007."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.stats.means import Measured, Sampling, without_interval
from freshset.stats.types import BoolArray, Estimate, FloatArray, IntArray

# Parts of the items that are left out in turn.
_PARTS = 20
# Classes sorted at a time: whole columns in one pass over rows, and little memory.
_BLOCK = 64
_POINTS = np.arange(11)


def mean_average_precision(
    scores: npt.NDArray[Any], relevant: IntArray | BoolArray, sampling: Sampling
) -> Measured:
    """Mean over classes of the 11-point interpolated average precision.

    Parameters
    ----------
    scores
        Shape (n, classes), higher is more confident.  Only their order within a class matters.
    relevant
        Class of each item, shape (n,), or which classes it shows, shape (n, classes), bool.

    Returns
    -------
    Measured
        Classes that no item shows are left out.

    Raises
    ------
    ValueError
        For a score that is nan, naming its row.

    Notes
    -----
    At each recall of 0, 0.1, ..., 1 the highest precision at that recall or above, averaged.  Recall
    is compared in whole numbers: in floating point 3/10 is less than 3 * 0.1.  Items of equal score
    come in together, where the kit of VOC takes them in the order of the file.

    The interval is Student's, from leaving out each of 20 random parts of the items in turn.  It is
    about noise; that the average precision of few items is too high on average stays.  A bootstrap
    would raise it further, because copies of an item confirm each other.

    References
    ----------
    Everingham and others (2010), International Journal of Computer Vision 88:303;
    Kott (2001), "The delete-a-group jackknife", Journal of Official Statistics 17:521.
    """
    n, classes = scores.shape
    parts = _parts(n, sampling.rng)
    sums, shown = np.zeros(len(parts) + 1), np.zeros(len(parts) + 1)
    # Half precision sorts slowly.
    wide = np.promote_types(scores.dtype, np.float32)
    part_of = np.empty(n, dtype=np.int64)
    for number, part in enumerate(parts):
        part_of[part] = number
    for start in range(0, classes, _BLOCK):
        block = np.ascontiguousarray(scores[:, start : start + _BLOCK].T, dtype=wide)
        _refuse_nan(block)
        for offset, column in enumerate(block):
            rows = _rows(relevant, start + offset)
            if len(rows):
                precision = _precisions(column, rows, parts, part_of)
                there = ~np.isnan(precision)
                sums[there] += precision[there]
                shown += there
    if not shown[0]:
        raise ValueError("no item shows any of the classes")
    return _with_interval(sums, shown, sampling)


def _with_interval(sums: FloatArray, shown: FloatArray, sampling: Sampling) -> Measured:
    value = float(sums[0] / shown[0])
    if sampling.rng is None:
        return without_interval(value, "no draws were asked for")
    count = len(sums) - 1
    if count < 2 or not shown.all():
        return without_interval(value, "too few items to leave some out")
    parts = sums[1:] / shown[1:]
    error = float(np.sqrt((count - 1) * parts.var()))
    if error == 0:
        return without_interval(value, "all parts agree")
    half = float(special.stdtrit(count - 1, 1 - (1 - sampling.level) / 2)) * error
    method = f"jackknife, {count} random parts left out in turn"
    return Estimate(value, max(0.0, value - half), min(1.0, value + half)), method


def _parts(n: int, rng: np.random.Generator | None) -> list[IntArray]:
    """Rows dealt at random into parts; without a generator all are one part."""
    if rng is None:
        return [np.arange(n)]
    return np.array_split(rng.permutation(n), min(_PARTS, n))


def _rows(relevant: IntArray | BoolArray, class_id: int) -> IntArray:
    return np.flatnonzero(relevant[:, class_id] if relevant.ndim == 2 else relevant == class_id)


def _precisions(
    column: FloatArray, rows: IntArray, parts: list[IntArray], part_of: IntArray
) -> FloatArray:
    """Average precision of one class on all items and without each part, shape (parts + 1,).

    Precision only needs looking at where an item of the class comes in, so the others are counted
    and never ranked.  ``nan`` where no item of the class is left.
    """
    order = rows[np.argsort(column[rows])[::-1]]
    at = column[order]
    # Of equal scores the last one has the full count, and being the best it stands for the others.
    own = part_of[order] == np.arange(len(parts))[:, None]
    hits = own.cumsum(axis=1)
    items = np.stack([len(p) - np.searchsorted(np.sort(column[p]), at) for p in parts])
    hits = np.concatenate([hits.sum(axis=0, keepdims=True), hits.sum(axis=0) - hits])
    items = np.concatenate([items.sum(axis=0, keepdims=True), items.sum(axis=0) - items])
    precision = hits / np.maximum(items, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    total = hits[:, -1:]
    first = (10 * hits[:, :, None] >= _POINTS * total[:, :, None]).argmax(axis=1)
    mean = np.take_along_axis(best, first, axis=1).mean(axis=1)
    return np.where(total[:, 0] > 0, mean, np.nan)


def _refuse_nan(block: FloatArray) -> None:
    bad = np.isnan(block)
    if bad.any():
        raise ValueError(f"row {int(np.argwhere(bad)[:, 1].min())} of scores is nan")
