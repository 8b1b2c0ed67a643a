"""Selection frequencies in the row order of a test set."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.core.records import TestSet


def matched(frequencies: Frequencies, testset: TestSet) -> Frequencies:
    """Bring frequencies into the order of a test set; items without answers get 0 of 0.

    An item is found by its id or, since image folders call their items ``class/id.jpg``, by the
    name of its file without the ending, and by the key of its class.

    Raises
    ------
    DataError
        When items or labels of the test set are not known, or none of them has a frequency.
    """
    keys = testset.class_keys or testset.class_names
    if not keys:
        raise DataError(
            f"{testset.id}: its classes have no keys, so that no frequency can be found.",
            "Give class names when the test set is imported (--classes FILE).",
        )
    asked = zip(frequencies.item_ids.tolist(), frequencies.class_keys.tolist(), strict=True)
    place = {pair: row for row, pair in enumerate(asked)}
    rows = np.full(testset.n, -1, dtype=np.int64)
    for item, (id, label) in enumerate(zip(testset.ids, testset.known_labels, strict=True)):
        row = place.get((id, keys[label]))
        rows[item] = place.get((PurePosixPath(id).stem, keys[label]), -1) if row is None else row
    if (rows < 0).all():
        raise DataError(
            f"{testset.id}: none of its {testset.n:,} items has a selection frequency.",
            f"Its items are called as {testset.ids[0]!r}, its classes as {keys[0]!r}; those with "
            f"frequencies as {_first(frequencies.item_ids)} and {_first(frequencies.class_keys)}.",
        )
    known = rows >= 0
    return Frequencies(
        testset.ids,
        np.array([keys[label] for label in testset.known_labels], dtype=object),
        np.where(known, frequencies.selected[rows], 0.0),
        np.where(known, frequencies.answers[rows], 0.0),
    )


def _first(values: npt.NDArray[np.object_]) -> str:
    return repr(values[0]) if len(values) else "none"
