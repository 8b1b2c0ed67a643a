"""Random splits of items, the same ones for the same seed everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.transfer.datasets.base import BoolArray, Division, IntArray

Targets = npt.NDArray[Any]


def hold_out(
    targets: Targets, share: float, seed: int, *, stratified: bool = True
) -> tuple[IntArray, IntArray]:
    """Split items into those that stay and those that are held out.

    Parameters
    ----------
    targets
        Class ids, shape (n,), or which classes each item shows, shape (n, classes), bool.
    share
        Of the items that are held out, between 0 and 1.
    seed
        Of the draw.
    stratified
        Whether every class gives that share, up to rounding, and keeps an item at least.  Of items
        that show several classes only the second holds.

    Returns
    -------
    tuple of arrays
        Places of those that stay and of those that are held out, both in ascending order.

    Raises
    ------
    DataError
        When one of the two would be empty.
    """
    n, rng = len(targets), np.random.default_rng(seed)
    order, wanted = rng.permutation(n), round(share * n)
    if not stratified:
        out = order[:wanted]
    elif targets.ndim == 1:
        out = _of_each_class(targets[order], order, share)
    else:
        out = _keeping_every_class(targets[order], order, wanted)
    if not 0 < len(out) < n:
        raise DataError(
            f"{share:.0%} of {n:,} items cannot be held out: {len(out):,} would be.",
            "Take more items or another share; every class keeps one.",
        )
    return _both(n, out)


def divide(targets: Targets, division: Division) -> tuple[IntArray, IntArray]:
    """Places of the training and of the test items of a set; see `Division`.

    Raises
    ------
    DataError
        When a class has too few items, or items show several classes and some of each are asked for.
    """
    if not division.per_class:
        return hold_out(targets, division.share, division.seed)
    if targets.ndim == 2:
        raise DataError(
            f"{division.per_class} images a class cannot be drawn of images of several classes.",
            "Divide them by a share.",
        )
    order = np.random.default_rng(division.seed).permutation(len(targets))
    ranks = _ranks(targets[order])
    found = np.bincount(targets)
    few = np.flatnonzero((found > 0) & (found < division.per_class))
    if few.size:
        raise DataError(
            f"{few.size:,} classes have fewer than {division.per_class} images; class {few[0]} has "
            f"{found[few[0]]}.",
            "Complete the data, or draw fewer of each class.",
        )
    test, train = _both(len(targets), order[ranks < division.per_class])
    if not len(test):
        raise DataError(
            f"No image is left for a test set after {division.per_class} of each class.",
            "Draw fewer of each class.",
        )
    return train, test


def _both(n: int, out: IntArray) -> tuple[IntArray, IntArray]:
    held = np.zeros(n, dtype=bool)
    held[out] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def _ranks(labels: npt.NDArray[np.int64]) -> IntArray:
    """How many items of its class come before each item."""
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[order] = np.arange(len(labels)) - np.repeat(starts, counts)
    return ranks


def _of_each_class(labels: npt.NDArray[np.int64], order: IntArray, share: float) -> IntArray:
    """The first items of every class; what rounding leaves over goes to the largest remainders."""
    counts = np.bincount(labels)
    exact = share * counts
    quota = np.floor(exact).astype(np.int64)
    left = round(share * len(labels)) - int(quota.sum())
    by_remainder = np.argsort(quota - exact, kind="stable")
    quota[by_remainder[:left]] += 1
    quota = np.minimum(quota, np.maximum(counts - 1, 0))
    chosen = _ranks(labels) < quota[labels]
    return np.asarray(order[chosen])


def _keeping_every_class(shown: BoolArray, order: IntArray, wanted: int) -> IntArray:
    """The first items that are not the last of one of their classes."""
    left = shown.sum(axis=0)
    out: list[int] = []
    for place, classes in zip(order.tolist(), shown, strict=True):
        if len(out) == wanted:
            break
        if (left[classes] > 1).all():
            left -= classes
            out.append(place)
    return np.array(out, dtype=np.int64)
