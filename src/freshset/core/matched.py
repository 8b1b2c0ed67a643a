"""Selection frequencies in the row order of a test set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import PurePosixPath

import numpy as np

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.core.records import TestSet


def matched(frequencies: Frequencies, testset: TestSet) -> Frequencies:
    """Bring frequencies into the order of a test set; items without answers get 0 of 0.

    An item is found by its id or, since image folders call their items ``class/id.jpg``, by the
    name of its file without the ending; its class by key, name or number.

    Raises
    ------
    DataError
        When items or labels of the test set are not known, or none of them has a frequency.
    """
    columns = frequencies.item_ids.tolist(), frequencies.class_keys.tolist()
    place = {pair: row for row, pair in enumerate(zip(*columns, strict=True))}
    rows = np.full(testset.n, -1, dtype=np.int64)
    keys = []
    for item, (id, label) in enumerate(
        zip(testset.ids.tolist(), testset.known_labels.tolist(), strict=True)
    ):
        names = tuple(_names(testset, label))
        keys.append(names[0])
        pairs = product(item_names(id), names)
        rows[item] = next((place[pair] for pair in pairs if pair in place), -1)
    known = rows >= 0
    if not known.any():
        theirs = [repr(column[0]) if len(column) else "nothing" for column in columns]
        raise DataError(
            f"The selection frequencies hold no item of {testset.id} under its own class.",
            f"Items there are called {testset.ids[0]!r}, here {theirs[0]}; classes are known by "
            f"key, name or number, here {theirs[1]}.",
        )
    return Frequencies(
        testset.ids,
        np.array(keys, dtype=object),
        np.where(known, frequencies.selected[rows], 0.0),
        np.where(known, frequencies.answers[rows], 0.0),
    )


def item_names(id: str) -> tuple[str, str]:
    """Return what frequencies may call an item of a test set: its id, or the name of its file."""
    return id, PurePosixPath(id).stem


def _names(testset: TestSet, label: int) -> Iterator[str]:
    """What a class may be called, best first."""
    for names in (testset.class_keys, testset.class_names):
        if names:
            yield names[label]
    yield str(label)
