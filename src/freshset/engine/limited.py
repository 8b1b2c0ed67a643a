"""Some items of a test set: another test set, so that its scores are never taken for whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.identifiers import limited_id
from freshset.core.records import AcceptSets, TestSet
from freshset.datasets.base import Item, Origin, Reader


@dataclass(frozen=True, slots=True)
class Part:
    """A reader of some rows of another reader; see `freshset.datasets.base.Reader`."""

    reader: Reader
    testset: TestSet
    rows: Sequence[int]

    @property
    def classes(self) -> ClassSpace | None:
        """As of the whole."""
        return self.reader.classes

    @property
    def item(self) -> Item:
        """As of the whole."""
        return self.reader.item

    @property
    def reading(self) -> str:
        """As of the whole."""
        return self.reader.reading

    @property
    def origin(self) -> Origin:
        """As of the whole, but for its size."""
        return replace(self.reader.origin, expected_n=self.testset.n)

    def read(self, index: int) -> Any:
        """Read an item of the part."""
        if not 0 <= index < self.testset.n:
            raise DataError(f"{self.testset.id}: no row {index}.")
        return self.reader.read(self.rows[index])


def limited(reader: Reader, limit: int) -> Reader:
    """Return a reader of the first ``limit`` items; the reader itself for 0."""
    if not limit:
        return reader
    n = min(limit, reader.testset.n)
    return some(reader, range(n), limited_id(reader.testset.id, n))


def some(reader: Reader, rows: Sequence[int], id: str) -> Reader:
    """Return a reader of some rows, under an id of its own."""
    whole = reader.testset
    at = np.asarray(rows, dtype=np.intp)
    accepted = whole.accepted
    if accepted is not None:
        accepted = AcceptSets.of([accepted[i : i + 1].classes.tolist() for i in at])
    testset = replace(
        whole,
        id=id,
        n=len(at),
        item_ids=whole.ids[at],
        labels=None if whole.labels is None else whole.labels[at],
        accepted=accepted,
        strata={name: values[at] for name, values in whole.strata.items()},
    )
    return Part(reader, testset, rows)
