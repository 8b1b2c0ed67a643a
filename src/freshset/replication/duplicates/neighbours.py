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
from freshset.replication.duplicates.products import Floats, Maker, NumpyProducts
from freshset.replication.duplicates.rounding import SPARE, Bfloat16, Float32, Numbers, Rounding
from freshset.replication.duplicates.rows import Rows, check_finite, check_rows

MEMORY = 2 << 30
"""Bytes that a search may take, queries and references themselves left out."""

_FIRST_BLOCK = 256
_LARGEST_BLOCK = 4096
_CACHE = 1 << 18  # bytes of differences at a time


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
        frame = _frame(queries, references, pool)
        for start in range(0, n, panel):
            rows = slice(start, min(n, start + panel))
            search = _Search(queries, rows, frame, products, memory)
            for kept, here in search.run(references, k):
                _measure(queries, references, kept, here, out, pool)
    return out


def squared_distances(
    query: npt.NDArray[np.float64], rows: npt.NDArray[np.generic]
) -> npt.NDArray[np.float64]:
    """Squared distances of one vector to some, in float64 by the explicit difference."""
    # A few columns at a time stay in the cache, which makes pictures of 256 x 256 much faster.
    step = max(1, _CACHE // (8 * max(1, len(rows))))
    out = np.zeros(len(rows))
    for start in range(0, len(query), step):
        columns = slice(start, start + step)
        difference = np.subtract(rows[:, columns], query[columns], dtype=np.float64)
        out += np.vecdot(difference, difference)
    return out


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the origin is put, and the scale, so that float32 has the least to round."""

    centre: npt.NDArray[np.float32] | npt.NDArray[np.float64]
    scale: float
    pool: ThreadPoolExecutor

    def vectors(
        self, rows: Rows, part: slice, what: str, rounding: Rounding
    ) -> tuple[Floats, Numbers, Numbers]:
        """Centred vectors with room for spare columns, their norms, and what rounding cut off."""
        block = rows[part]
        out = np.empty((len(block), block.shape[1] + SPARE), np.float32)
        norms, lost = np.empty((2, len(block)))

        def prepare(start: int) -> None:
            some = slice(start, start + step)
            into = out[some, :-SPARE]
            if self.scale == 1:
                np.subtract(block[some], self.centre, out=into, casting="same_kind")
            else:
                into[...] = np.subtract(block[some], self.centre, dtype=np.float64) * self.scale
            exact = into.astype(np.float64)
            norms[some] = np.sqrt(np.vecdot(exact, exact))
            lost[some] = rounding.cut(into)

        def prepare_some(start: int) -> None:
            with np.errstate(over="ignore", invalid="ignore"):  # found by the norms
                for first in range(start, min(start + 16 * step, len(block)), step):
                    prepare(first)

        # So few rows at a time stay in the cache.
        step = max(1, _CACHE // (2 * block.shape[1] + 1))
        list(self.pool.map(prepare_some, range(0, len(block), 16 * step)))
        if norms.size and not norms.max() < 1e18:
            check_finite(block, part.start, what)
            row = part.start + int(np.argmax(~(norms < 1e18)))
            raise DataError(
                f"{what}: the numbers of row {row:,} are too large beside the others for float32.",
                "Scale the features.",
            )
        return out, norms, lost


def _frame(queries: Rows, references: Rows, pool: ThreadPoolExecutor) -> _Frame:
    """Centre and scale of a few rows; any would be right, these lose least."""
    sample = np.concatenate(
        [_sample(rows, what) for rows, what in ((queries, "queries"), (references, "references"))]
    )
    centre = sample.mean(axis=0)
    if np.array_equal(sample, np.round(sample)):
        centre = np.round(centre)  # pixels stay whole numbers, which even bfloat16 holds
    size = float(np.sqrt(np.square(sample - centre).sum(axis=1).mean()))
    # A power of two changes no digit.
    scale = 1.0 if not size or 1e-6 < size < 1e6 else float(2.0 ** -np.round(np.log2(size)))
    # Numbers of at most 24 bits are exact in float32, and so is this centre: one rounding is left.
    exact = all(
        rows.dtype.itemsize <= (4 if rows.dtype.kind == "f" else 2)
        for rows in (queries, references)
    )
    return _Frame(centre.astype(np.float32) if exact else centre, scale, pool)


def _sample(rows: Rows, what: str) -> npt.NDArray[np.float64]:
    at = np.unique(np.linspace(0, rows.shape[0] - 1, 128).astype(np.intp))
    sample = rows[at]
    check_finite(sample, at, what)
    return sample.astype(np.float64)


class _Search:
    """The search of one panel of queries through all references."""

    def __init__(
        self,
        queries: Rows,
        rows: slice,
        frame: _Frame,
        products: Maker,
        memory: int,
    ) -> None:
        d = queries.shape[1]
        self._rounding: Rounding = Bfloat16(d) if products.half else Float32(d)
        vectors, self._norms, self._lost = frame.vectors(queries, rows, "queries", self._rounding)
        self._rounding.fill(vectors, None, self._norms, self._lost)
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
        block, norms, lost = self._frame.vectors(references, part, "references", self._rounding)
        self._rounding.fill(None, block, norms, lost)
        self._products.put(block)
        return norms, lost

    def _add(self, kept: _Kept, part: slice, start: int, block: tuple[Numbers, Numbers]) -> None:
        norms, lost = self._norms[part], self._lost[part]
        least = self._rounding.least(norms, kept.worst)
        rows, columns, products = self._products.above(part, least)
        here, there = (norms[rows], lost[rows]), (block[0][columns], block[1][columns])
        lower, upper = self._rounding.bounds(here, there, products)
        kept.add(rows, columns + start, lower, upper)

    def _settle(self, kept: _Kept, part: slice, references: Rows) -> None:
        """Measure rows that hold too many, such as copies of one picture, and keep the nearest k."""
        scale = self._frame.scale**2
        for row in kept.crowded:
            query = self._queries[
                self._first + part.start + row : self._first + part.start + row + 1
            ]
            ids = kept.of(int(row))
            found = _distances(query[0].astype(np.float64), references, ids) * scale
            best = np.lexsort((ids, found))[: kept.k]
            kept.settle(int(row), ids[best], found[best])
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
        self, row: int, ids: npt.NDArray[np.intp], distances: npt.NDArray[np.float64]
    ) -> None:
        """Put measured references in place of those that a query holds."""
        start, stop = np.searchsorted(self._rows, [row, row + 1])
        for name, values in (
            ("_rows", np.full(len(ids), row)),
            ("_ids", ids),
            ("_lower", distances * (1 - 1e-9)),
            ("_upper", distances * (1 + 1e-9)),
        ):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old[:start], values, old[stop:]]))
        self.worst[row] = distances[-1] * (1 + 1e-9)


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
