"""Some items of a test set: another test set, so that its scores are never taken for whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from freshset.core.identifiers import limited_id
from freshset.datasets.base import Reader
from freshset.datasets.relabel import Selection, select


def limited(reader: Reader, limit: int) -> Reader:
    """Return a reader of the first ``limit`` items; the reader itself for 0."""
    if not limit:
        return reader
    n = min(limit, reader.testset.n)
    return some(reader, range(n), limited_id(reader.testset.id, n))


def some(reader: Reader, rows: Sequence[int], id: str) -> Reader:
    """Return a reader of some rows, under an id of its own."""
    at = np.asarray(rows, dtype=np.intp)
    origin = replace(reader.origin, expected_n=len(at))
    return Selection(reader, at, select(reader.testset, at, id), reader.classes, origin)
