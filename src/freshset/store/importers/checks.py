"""Checks that every importer runs on predictions before they may enter a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.core.records import TestSet, label_ranks
from freshset.stats.topk import is_worst_first

# Class ids are stored as int32.
_LARGEST = 2**31 - 1

REPAIRS = ("none", "worst-first")


def check_repair(repair: str) -> None:
    """Raise `UsageError` for an unknown repair."""
    if repair not in REPAIRS:
        raise UsageError(f"No repair {repair!r}.", f"Use one of: {', '.join(REPAIRS)}.")


def class_ids(values: npt.NDArray[np.generic], where: str) -> npt.NDArray[np.int64]:
    """Return whole-number class ids as int64, shape (items, k).

    Raises
    ------
    DataError
        For floats (even whole ones), NaN, or anything else that is not a class id.
    """
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2:
        raise DataError(
            f"{where}: an array of shape {values.shape}, not one row per item.",
            "Store class ids as (items,) or, best first, as (items, k).",
        )
    if values.size == 0:
        raise DataError(f"{where}: no predictions.", "The file is empty; write it again.")
    if np.issubdtype(values.dtype, np.integer):
        large = np.argwhere(np.greater(values, _LARGEST))
        if large.size:
            raise DataError(
                f"{where}: row {large[0][0]}: {values[tuple(large[0])]} is too large for a class id.",
                "Class ids count from 0; use class names for anything else.",
            )
        return values.astype(np.int64)
    if np.issubdtype(values.dtype, np.floating):
        bad = np.argwhere(np.isnan(values.astype(float)))
        if bad.size:
            raise DataError(
                f"{where}: row {bad[0][0]}: NaN instead of a class id.",
                "Every item needs a prediction; write the file again.",
            )
        raise DataError(
            f"{where}: row 0: {values.flat[0]} is a float, not a class id.",
            "Store class ids as integers; of scores, store the ids of the best classes in order.",
        )
    raise DataError(
        f"{where}: holds {values.dtype} values, not class ids.", "Store class ids as integers."
    )


def check_topk(topk: npt.NDArray[np.int64], testset: TestSet, where: str) -> npt.NDArray[np.int32]:
    """Check predictions against a test set's length and class space.

    Returns
    -------
    ndarray of int32, shape (items, k)
    """
    if len(topk) != testset.n:
        raise DataError(
            f"{where}: {len(topk):,} predictions for the {testset.n:,} items of {testset.id}.",
            "Give the predictions of the whole test set, in its order or with ids.",
        )
    outside = np.argwhere((topk < 0) | (topk >= testset.n_classes))
    if outside.size:
        row, column = outside[0]
        raise DataError(
            f"{where}: row {row}: class id {topk[row, column]} is outside the class space "
            f"0..{testset.n_classes - 1} of {testset.id}.",
            "If the class space is larger, say so with --classes.",
        )
    ordered = np.sort(topk, axis=1)
    repeated = np.argwhere(ordered[:, 1:] == ordered[:, :-1])
    if repeated.size:
        row = repeated[0][0]
        raise DataError(
            f"{where}: row {row}: the same class occurs twice among its top {topk.shape[1]}.",
            "Ordered predictions must name different classes.",
        )
    return topk.astype(np.int32)


def repaired(
    topk: npt.NDArray[np.int32], testset: TestSet, repair: str
) -> tuple[npt.NDArray[np.int32], str]:
    """Reorder predictions that are stored worst first, when asked to.

    Returns
    -------
    topk, repair
        The predictions and the name of the repair that was applied, ``none`` where none was needed.
    """
    if repair == "worst-first" and testset.labels is not None:
        rank = label_ranks(topk, testset.labels)
        if is_worst_first(rank, topk.shape[1]):
            return np.ascontiguousarray(topk[:, ::-1]), repair
    return topk, "none"


def load_npy(path: Path, *, mapped: bool = False) -> npt.NDArray[np.generic]:
    """Load an array without unpickling anything.

    Parameters
    ----------
    mapped
        Whether it stays in its file, of which only what is used comes into memory.

    Raises
    ------
    DataError
        When the file is no array, is cut short, or holds Python objects.
    """
    try:
        return np.asarray(np.load(path, "r" if mapped else None, allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        # Of what does not even start like an array numpy says that it may be pickled data.
        pickled = any(words in str(error) for words in ("Object arrays", "Python objects"))
        reason = "holds Python objects" if pickled else "not a whole .npy file"
        raise DataError(f"{path}: {reason}.", "Write it again with numpy.save.") from error
