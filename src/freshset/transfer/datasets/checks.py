"""Is a data set what it should be?  Sizes, items in two parts, and classes that cannot be learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from freshset.core.errors import DataError
from freshset.transfer.datasets.base import OpenDataset, Part, TransferDataset

# Items of one name whose content is compared: enough to find sets that are copies.
_LOOKED_AT = 16


def check_sizes(declared: TransferDataset, found: Mapping[str, int]) -> tuple[str, ...]:
    """Compare sizes with the expected ones.

    Parameters
    ----------
    found
        Items of ``train``, ``validation`` and ``test`` where there are such, and ``classes``.

    Returns
    -------
    tuple of str
        Notes for the results; empty when all is as expected.

    Raises
    ------
    DataError
        For all differences together, unless the data set allows them.
    """
    notes = tuple(
        f"{found.get(name, 0):,} of {expected:,} {_NOUNS[name]}"
        if found.get(name, 0) < expected
        else f"{found[name]:,} {_NOUNS[name]}, {expected:,} are expected"
        for name, expected in declared.expected.items()
        if found.get(name, 0) != expected
    )
    if notes and not declared.allow_sizes:
        raise DataError(
            f"{declared.title}: other sizes than expected: {'; '.join(notes)}.",
            "Complete the data, or set allow_sizes: true; the results then say so.",
        )
    return notes


_NOUNS = {
    "train": "training images",
    "validation": "validation images",
    "test": "test images",
    "classes": "classes",
}


def check_apart(declared: TransferDataset, parts: Mapping[str, Part]) -> None:
    """Raise `DataError` when an item is in two parts.

    Parts of one set share an item when they share a row.  Items of two sets may have one name and be
    different, as ``cat/1.jpg`` below ``train`` and below ``test``, so those are read and compared.
    """
    for (name, one), (other, two) in combinations(parts.items(), 2):
        shared = _shared_rows(one, two) if one.reader is two.reader else _shared_items(one, two)
        if shared:
            raise DataError(
                f"{declared.title}: {name} and {other} have the same items, the first is "
                f"{shared!r}.",
                "What a model has learned from tests nothing; give sets without common items.",
            )


def _shared_rows(one: Part, two: Part) -> str:
    rows = np.intersect1d(one.rows, two.rows)
    return str(one.reader.testset.ids[rows[0]]) if rows.size else ""


def _shared_items(one: Part, two: Part) -> str:
    first, second = one.reader.testset, two.reader.testset
    if not (first.ids_given and second.ids_given):
        return ""
    mine = {str(first.ids[row]): int(row) for row in one.rows}
    theirs = ((str(second.ids[row]), int(row)) for row in two.rows)
    looked = 0
    for id, row in theirs:
        if id not in mine:
            continue
        if _content(one.reader.read(mine[id])) == _content(two.reader.read(row)):
            return id
        looked += 1
        if looked == _LOOKED_AT:
            break
    return ""


def _content(item: Any) -> tuple[Any, ...]:
    if isinstance(item, Image.Image):
        return item.size, item.tobytes()
    return item.shape, np.asarray(item).tobytes()


def with_class_notes(dataset: OpenDataset) -> OpenDataset:
    """Add notes on classes that cannot be learned or judged.

    Raises
    ------
    DataError
        When a class of the test set has no training image and the metric weighs classes alike: the
        score would then be about what is missing.  Top-1 counts their images as wrong, with a note.
    """
    # The final fit learns from both, so what is said does not depend on how they were split.
    train = _counts(dataset.train, dataset) + _counts(dataset.validation, dataset)
    test = _counts(dataset.test, dataset)
    metric, notes = dataset.declared.metric, []
    unseen = np.flatnonzero((train == 0) & (test > 0))
    if unseen.size:
        text = f"{_classes(dataset, unseen)} in the test set but not in the training set"
        if metric != "top1":
            raise DataError(
                f"{dataset.declared.title}: {text}; {metric} weighs all alike.",
                "Complete the training set, or take those classes out of the test set.",
            )
        count = int(test[unseen].sum())
        notes.append(f"{text}; its test images ({count:,}) count as wrong")
    untested = np.flatnonzero((train > 0) & (test == 0))
    if untested.size and metric != "top1":
        text = f"{_classes(dataset, untested)} in the training set but not in the test set"
        notes.append(f"{text}; the mean is over the others")
    return replace(dataset, notes=(*dataset.notes, *notes))


def _counts(part: Part, dataset: OpenDataset) -> npt.NDArray[np.int64]:
    if part.targets.ndim == 2:
        return np.asarray(part.targets.sum(axis=0))
    return np.bincount(part.targets, minlength=dataset.n_classes)


def _classes(dataset: OpenDataset, ids: Sequence[int] | npt.NDArray[np.int64]) -> str:
    first = repr(dataset.class_names[ids[0]])
    return f"the class {first} is" if len(ids) == 1 else f"{len(ids):,} classes ({first}, ...) are"
