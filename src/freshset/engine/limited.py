"""The first items of a test set: another test set, so that its scores are never taken for whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.identifiers import limited_id
from freshset.core.records import TestSet
from freshset.datasets.base import Item, Origin, Reader


@dataclass(frozen=True, slots=True)
class Limited:
    """A reader of the first rows of another reader; see `freshset.datasets.base.Reader`."""

    reader: Reader
    testset: TestSet

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
        """Read one of the first items."""
        if not 0 <= index < self.testset.n:
            raise DataError(f"{self.testset.id}: no row {index}.")
        return self.reader.read(index)


def limited(reader: Reader, limit: int) -> Reader:
    """Return a reader of the first ``limit`` items; the reader itself for 0."""
    if not limit:
        return reader
    whole = reader.testset
    n = min(limit, whole.n)
    testset = replace(
        whole,
        id=limited_id(whole.id, n),
        n=n,
        item_ids=whole.ids[:n],
        labels=None if whole.labels is None else whole.labels[:n],
        accepted=None if whole.accepted is None else whole.accepted[:n],
        strata={name: values[:n] for name, values in whole.strata.items()},
    )
    return Limited(reader, testset)
