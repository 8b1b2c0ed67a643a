"""Exact nearest neighbours under the squared Euclidean distance.

A matrix product does nearly all the work, in float32 or less.  What its rounding can do is bounded
(`freshset.replication.duplicates.rounding`), so that no true neighbour can be lost: a reference whose
bound is not above what the k nearest so far require costs one comparison and is gone.  Those few that the
bound leaves are measured again in float64 by the explicit difference.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.replication.duplicates.frames import CACHE, Frame, frame_of
from freshset.replication.duplicates.products import Maker, NumpyProducts
from freshset.replication.duplicates.rounding import SPARE, Numbers
from freshset.replication.duplicates.rows import Rows, check_rows

MEMORY = 2 << 30
"""Bytes that a search may take, queries and references themselves left out."""

_FIRST_BLOCK = 256
_LARGEST_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest references of each query.

    Attributes
    ----------
    indices
        Row numbers of references, nearest first, the lower number first among equals; shape
        (queries, k).  There are fewer columns when there are fewer references.
    distances
        Squared Euclidean distances, float64, from the explicit difference; the same shape.
    """

    indices: npt.NDArray[np.intp]
    distances: npt.NDArray[np.float64]


def nearest(
    queries: Rows,
    references: Rows,
    k: int,
    *,
    memory: int = MEMORY,
    products: Maker = NumpyProducts,
) -> Nearest:
    """Find the k nearest references of every query, exactly.

    Parameters
    ----------
    queries, references
        Shapes (n, d) and (m, d); numbers of any real type.
    k
        How many.
    memory
        Bytes that may be used beside the vectors themselves and the result.
    products
        Who multiplies; see `freshset.replication.duplicates.products.products_on`.

    Raises
    ------
    DataError
        When dimensions differ, or a number is NaN, infinite or too large for float32.
    UsageError
        When k is less than 1.
    """
    if k < 1:
        raise UsageError(f"{k} nearest neighbours cannot be kept.", "Ask for at least one.")
    check_rows(queries, "queries")
    check_rows(references, "references")
    (n, d), (m, other) = queries.shape, references.shape
    if d != other:
        raise DataError(
            f"Queries have {d:,} dimensions, references {other:,}.",
            "Compute both with the same embedder.",
        )
    k = min(k, m)
    out = Nearest(np.empty((n, k), np.intp), np.empty((n, k)))
    if not k or not n:
        return out
    panel = max(1, min(n, memory // 4 // (4 * (d + SPARE))))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        frame = frame_of(queries, references, products, pool)
        for start in range(0, n, panel):
            rows = slice(start, min(n, start + panel))
            search = _Search(queries, rows, frame, products, memory)
            for kept, here in search.run(references, k):
                if frame.bounds.exact:
                    out.indices[here], out.distances[here] = kept.nearest()
                else:
                    _measure(queries, references, kept, here, out, pool)
    return out


def squared_distances(
    query: npt.NDArray[np.float64], rows: npt.NDArray[np.generic]
) -> npt.NDArray[np.float64]:
    """Squared distances of one vector to some, in float64 by the explicit difference."""
    # A few columns at a time stay in the cache, which makes pictures of 256 x 256 much faster.
    step = max(1, CACHE // (8 * max(1, len(rows))))
    out = np.zeros(len(rows))
    for start in range(0, len(query), step):
        columns = slice(start, start + step)
        difference = np.subtract(rows[:, columns], query[columns], dtype=np.float64)
        out += np.vecdot(difference, difference)
    return out


class _Search:
    """The search of one panel of queries through all references."""

    def __init__(
        self,
        queries: Rows,
        rows: slice,
        frame: Frame,
        products: Maker,
        memory: int,
    ) -> None:
        d = queries.shape[1]
        vectors, self._norms, self._lost = frame.queries(queries, rows)
        self._products = products(vectors)
        self._frame, self._queries, self._first = frame, queries, rows.start
        self._block = int(max(1, min(_LARGEST_BLOCK, memory // 8 // (8 * (d + SPARE)))))
        # A comparison may leave everything; the numbers of each survivor take 64 bytes.
        self._chunk = int(max(1, min(len(vectors), memory // 4 // 64 // self._block)))

    def run(self, references: Rows, k: int) -> list[tuple[_Kept, slice]]:
        """Return what is left of all references, by chunks of the queries."""
        chunks = [
            slice(i, min(i + self._chunk, len(self._norms)))
            for i in range(0, len(self._norms), self._chunk)
        ]
        kept = [_Kept(part.stop - part.start, k) for part in chunks]
        start, size = 0, min(self._block, max(_FIRST_BLOCK, 2 * k))
        while start < references.shape[0]:
            stop = min(start + size, references.shape[0])
            block = self._put(references, slice(start, stop))
            for part, one in zip(chunks, kept, strict=True):
                self._add(one, part, start, block)
                if one.crowded.size:
                    self._settle(one, part, references)
            # The more were seen, the fewer of a block survive.
            start, size = stop, min(self._block, stop)
        return [
            (one, slice(self._first + part.start, self._first + part.stop))
            for part, one in zip(chunks, kept, strict=True)
        ]

    def _put(self, references: Rows, part: slice) -> tuple[Numbers, Numbers]:
        block, norms, lost = self._frame.references(references, part)
        self._products.put(block, norms)
        return norms, lost

    def _add(self, kept: _Kept, part: slice, start: int, block: tuple[Numbers, Numbers]) -> None:
        norms, lost = self._norms[part], self._lost[part]
        least = self._frame.bounds.least(norms, kept.worst)
        rows, columns, products = self._products.above(part, least)
        here, there = (norms[rows], lost[rows]), (block[0][columns], block[1][columns])
        lower, upper = self._frame.bounds.bounds(here, there, products)
        kept.add(rows, columns + start, lower, upper)

    def _settle(self, kept: _Kept, part: slice, references: Rows) -> None:
        """Measure rows that hold too many, such as copies of one picture, and keep the nearest k."""
        scale, slack = self._frame.scale**2, 0.0 if self._frame.bounds.exact else 1e-9
        for row in kept.crowded:
            query = self._queries[
                self._first + part.start + row : self._first + part.start + row + 1
            ]
            ids = kept.of(int(row))
            found = _distances(query[0].astype(np.float64), references, ids) * scale
            best = np.lexsort((ids, found))[: kept.k]
            kept.settle(int(row), ids[best], found[best], slack)
        kept.crowded = kept.crowded[:0]


class _Kept:
    """References that may be among the nearest of some queries, with bounds of their distances.

    Attributes
    ----------
    worst
        No reference that comes later and is this far or farther is a neighbour, for each query.
    crowded
        Queries that hold so many that they should be measured.
    """

    def __init__(self, queries: int, k: int) -> None:
        self.k = k
        self.worst = np.full(queries, np.inf)
        self.crowded = np.empty(0, np.intp)
        self._rows = np.empty(0, np.intp)
        self._ids = np.empty(0, np.intp)
        self._lower = np.empty(0)
        self._upper = np.empty(0)

    def add(
        self,
        rows: npt.NDArray[np.intp],
        ids: npt.NDArray[np.intp],
        lower: npt.NDArray[np.float64],
        upper: npt.NDArray[np.float64],
    ) -> None:
        """Add references that come after all that are here."""
        # A distance is never negative: where k copies are here already, a further one is as far.
        np.maximum(lower, 0, out=lower)
        new = lower < self.worst[rows]
        if not new.any():
            return
        rows = np.concatenate([self._rows, rows[new]])
        ids = np.concatenate([self._ids, ids[new]])
        lower = np.concatenate([self._lower, lower[new]])
        upper = np.concatenate([self._upper, upper[new]])
        counts = np.bincount(rows, minlength=len(self.worst))
        full = counts >= self.k
        by_distance = np.argsort(_keys(rows, upper))
        at = np.cumsum(counts)[full] - counts[full] + self.k - 1
        # The order knows float32 digits only.
        self.worst[full] = upper[by_distance[at]].astype(np.float32) * (1 + 2.0**-23)
        left = by_distance[lower[by_distance] <= self.worst[rows[by_distance]]]
        self._rows, self._ids = rows[left], ids[left]
        self._lower, self._upper = lower[left], upper[left]
        counts = np.bincount(self._rows, minlength=len(self.worst))
        self.crowded = np.flatnonzero(counts > 8 * self.k + 64)

    def of(self, row: int) -> npt.NDArray[np.intp]:
        """References that a query holds, lowest number first."""
        start, stop = np.searchsorted(self._rows, [row, row + 1])
        return np.sort(self._ids[start:stop])

    def settle(
        self,
        row: int,
        ids: npt.NDArray[np.intp],
        distances: npt.NDArray[np.float64],
        slack: float,
    ) -> None:
        """Put measured references in place of those that a query holds."""
        start, stop = np.searchsorted(self._rows, [row, row + 1])
        for name, values in (
            ("_rows", np.full(len(ids), row)),
            ("_ids", ids),
            ("_lower", distances * (1 - slack)),
            ("_upper", distances * (1 + slack)),
        ):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old[:start], values, old[stop:]]))
        self.worst[row] = distances[-1] * (1 + slack)

    def nearest(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        """Nearest k references of every query, and their distances, where bounds are exact."""
        order = np.lexsort((self._ids, self._lower, self._rows))
        first = np.searchsorted(self._rows, np.arange(len(self.worst)))
        at = order[first[:, None] + np.arange(self.k)]
        return self._ids[at], self._lower[at]


def _keys(rows: npt.NDArray[np.intp], distances: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """One number to sort by row, then distance: the bits of positive floats rise as they do.

    Sorting by two keys takes six times as long.
    """
    bits = distances.astype(np.float32).view(np.uint32)
    return (rows.astype(np.uint64) << np.uint64(32)) | bits


def _distances(
    query: npt.NDArray[np.float64], references: Rows, ids: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    step = max(1, (1 << 26) // (8 * len(query)))
    parts = [
        squared_distances(query, references[ids[i : i + step]]) for i in range(0, len(ids), step)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _measure(
    queries: Rows,
    references: Rows,
    kept: _Kept,
    here: slice,
    out: Nearest,
    pool: ThreadPoolExecutor,
) -> None:
    """Measure what is left in float64, and put the nearest k in their place."""

    def measure(start: int) -> None:
        stop = min(start + 64, here.stop)
        some = queries[start:stop].astype(np.float64)
        for row, query in enumerate(some, start):
            ids = kept.of(row - here.start)
            found = _distances(query, references, ids)
            best = np.lexsort((ids, found))[: kept.k]
            out.indices[row], out.distances[row] = ids[best], found[best]

    list(pool.map(measure, range(here.start, here.stop, 64)))
