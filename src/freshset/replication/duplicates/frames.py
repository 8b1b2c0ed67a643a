"""Vectors as they are multiplied: about an origin, in numbers that lose little or nothing.

Which numbers these are follows from the vectors and from who multiplies: float32; bfloat16, where somebody
multiplies it faster; or, for pixels of 8 bits, whole numbers, of which nothing is rounded at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.replication.duplicates.products import Maker
from freshset.replication.duplicates.rounding import (
    SPARE,
    Bfloat16,
    Bounds,
    Float32,
    Floats,
    Numbers,
    Rounding,
    Whole,
)
from freshset.replication.duplicates.rows import Rows, check_finite

CACHE = 1 << 18
"""Bytes of numbers that are worked on at a time."""

Vectors = tuple[npt.NDArray[Any], Numbers, Numbers]
"""Numbers as they are multiplied, the norms of the vectors, and the norms of what rounding cut off."""


class Frame(Protocol):
    """How vectors are put.

    Attributes
    ----------
    scale
        What their numbers are multiplied by.
    bounds
        What products say of distances.
    """

    @property
    def scale(self) -> float:
        """By how much."""
        ...

    @property
    def bounds(self) -> Bounds:
        """Of products of its vectors."""
        ...

    def queries(self, rows: Rows, part: slice) -> Vectors:
        """Take some queries."""
        ...

    def references(self, rows: Rows, part: slice) -> Vectors:
        """Take some references."""
        ...


def frame_of(queries: Rows, references: Rows, products: Maker, pool: ThreadPoolExecutor) -> Frame:
    """Find the frame that loses least.

    Parameters
    ----------
    products
        Who multiplies.
    pool
        Threads that prepare vectors.

    Raises
    ------
    DataError
        When there are too many dimensions, or a row of the sample holds NaN or infinity.
    """
    d = queries.shape[1]
    bytes_only = queries.dtype == references.dtype == np.uint8
    if products.whole and bytes_only and d <= Whole.DIMENSIONS:
        return _Bytes(Whole(), pool)
    rounding: Rounding = Bfloat16(d) if products.half else Float32(d)
    return _frame(queries, references, rounding, pool)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """Pixels of 8 bits about 128, which int8 holds as they are."""

    bounds: Bounds
    pool: ThreadPoolExecutor
    scale: float = 1.0

    def queries(self, rows: Rows, part: slice) -> Vectors:
        """See `Frame.queries`."""
        out = (rows[part] ^ np.uint8(128)).view(np.int8)
        norms = np.empty(len(out))

        def measure(start: int) -> None:
            for first in range(start, min(start + 16 * step, len(out)), step):
                exact = out[first : first + step].astype(np.float64)
                norms[first : first + step] = np.sqrt(np.vecdot(exact, exact))

        step = max(1, CACHE // (8 * out.shape[1] + 1))
        list(self.pool.map(measure, range(0, len(out), 16 * step)))
        return out, norms, np.zeros(len(out))

    references = queries


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the origin is put, and the scale, so that float32 has the least to round."""

    centre: npt.NDArray[np.float32] | npt.NDArray[np.float64]
    scale: float
    bounds: Rounding
    pool: ThreadPoolExecutor

    def queries(self, rows: Rows, part: slice) -> Vectors:
        """See `Frame.queries`."""
        out, norms, lost = self._vectors(rows, part, "queries")
        self.bounds.fill(out, None, norms, lost)
        return out, norms, lost

    def references(self, rows: Rows, part: slice) -> Vectors:
        """See `Frame.references`."""
        out, norms, lost = self._vectors(rows, part, "references")
        self.bounds.fill(None, out, norms, lost)
        return out, norms, lost

    def _vectors(self, rows: Rows, part: slice, what: str) -> tuple[Floats, Numbers, Numbers]:
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
            lost[some] = self.bounds.cut(into)

        def prepare_some(start: int) -> None:
            with np.errstate(over="ignore", invalid="ignore"):  # found by the norms
                for first in range(start, min(start + 16 * step, len(block)), step):
                    prepare(first)

        # So few rows at a time stay in the cache.
        step = max(1, CACHE // (2 * block.shape[1] + 1))
        list(self.pool.map(prepare_some, range(0, len(block), 16 * step)))
        if norms.size and not norms.max() < 1e18:
            check_finite(block, part.start, what)
            row = part.start + int(np.argmax(~(norms < 1e18)))
            raise DataError(
                f"{what}: the numbers of row {row:,} are too large beside the others for float32.",
                "Scale the features.",
            )
        return out, norms, lost


def _frame(queries: Rows, references: Rows, rounding: Rounding, pool: ThreadPoolExecutor) -> _Frame:
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
    return _Frame(centre.astype(np.float32) if exact else centre, scale, rounding, pool)


def _sample(rows: Rows, what: str) -> npt.NDArray[np.float64]:
    at = np.unique(np.linspace(0, rows.shape[0] - 1, 128).astype(np.intp))
    sample = rows[at]
    check_finite(sample, at, what)
    return sample.astype(np.float64)
