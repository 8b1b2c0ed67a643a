"""All pairs of images up to a distance in SSIM: the bound first, the exact value for what it leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from freshset.core.errors import DataError
from freshset.replication.duplicates.neighbours import MEMORY
from freshset.replication.duplicates.rows import Rows
from freshset.replication.duplicates.ssim import (
    WINDOW,
    Pixels,
    Plane,
    check_images,
    plane,
    plane_ssim,
)
from freshset.replication.duplicates.ssim_bound import Floats, Profile, profile, upper_bounds


@dataclass(frozen=True, slots=True)
class SsimPairs:
    """Pairs of images up to a distance.

    Attributes
    ----------
    queries, references
        Numbers of the images, shape (pairs,); by query, nearest first, the lower number among equals.
    distances
        (1 - SSIM) / 2, float64.
    examined
        Pairs whose SSIM was begun, as the bound did not rule them out.
    """

    queries: npt.NDArray[np.intp]
    references: npt.NDArray[np.intp]
    distances: npt.NDArray[np.float64]
    examined: int


def ssim_pairs(
    queries: Pixels,
    references: Rows,
    most: float,
    *,
    window: int = WINDOW,
    memory: int = MEMORY,
) -> SsimPairs:
    """Find every pair whose distance (1 - SSIM) / 2 is at most ``most``; none is lost.

    Parameters
    ----------
    queries, references
        uint8, shapes (n, height, width, channels) and (m, height, width, channels); references may be
        a memory map, or read from a file in slices.
    most
        Largest distance, such as the paper's 0.2205.
    memory
        Bytes that may be used beside the images.

    Raises
    ------
    DataError
        When images are not 8-bit, differ in size, or are smaller than the window.
    """
    check_images(queries, "queries", window)
    check_images(references, "references", window)
    if queries.shape[1:] != references.shape[1:]:
        raise DataError(
            f"Queries are {queries.shape[1:]}, references {references.shape[1:]}.",
            "Resize them to one size.",
        )
    threads = os.cpu_count() or 1
    search = _Search(queries, references, 1 - 2 * most, window, memory)
    size = profile(np.asarray(queries[:1]), window).features.nbytes if len(queries) else 1
    panel = max(1, memory // 4 // size)
    block = max(1, min(128, memory // 4 // threads // size))
    found: list[_Found] = []
    # The matrices are small: threads of BLAS inside those here would mostly wait for each other.
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(queries), panel):
            parts = np.array_split(np.arange(start, min(len(queries), start + panel)), threads)
            profiles = list(pool.map(search.profiled, [part for part in parts if part.size]))
            starts = range(0, references.shape[0], block)
            compared = pool.map(lambda at: search.block(profiles, at, at + block), starts)  # noqa: B023  # done before the next turn
            found += compared
    return _joined(found)


@dataclass(slots=True)
class _Found:
    pairs: list[tuple[int, int, float]] = field(default_factory=list)
    examined: int = 0


class _Search:
    def __init__(
        self, queries: Pixels, references: Rows, least: float, window: int, memory: int
    ) -> None:
        self._queries, self._references = queries, references
        self._least, self._window = least, window
        # A plane takes 4 bytes a pixel and 16 a window.
        planes = memory // 4 // (20 * queries.shape[1] * queries.shape[2])

        @lru_cache(maxsize=max(8, int(planes)))
        def of_query(at: int, channel: int) -> Plane:
            return plane(queries[at, ..., channel], window)

        self._of_query = of_query

    def profiled(self, rows: npt.NDArray[np.intp]) -> tuple[int, Profile]:
        part = np.asarray(self._queries[rows[0] : rows[-1] + 1])
        return int(rows[0]), profile(part, self._window)

    def block(self, profiles: Sequence[tuple[int, Profile]], start: int, stop: int) -> _Found:
        """Compare one block of references with all profiled queries."""
        images = np.asarray(self._references[start:stop])
        here = profile(images, self._window)

        @cache
        def of_reference(row: int, channel: int) -> Plane:
            return plane(images[row, ..., channel], self._window)

        out = _Found()
        for first, there in profiles:
            bounds = upper_bounds(there, here)
            left = np.argwhere(bounds.mean(axis=0) >= self._least)
            out.examined += len(left)
            for at, row in left.tolist():
                value = self._value(bounds[:, at, row], first + at, of_reference, row)
                if value >= self._least:
                    out.pairs.append((first + at, start + row, (1 - value) / 2))
        return out

    def _value(
        self, bounds: Floats, query: int, of_reference: Callable[[int, int], Plane], row: int
    ) -> float:
        """SSIM, or something under the least that counts as soon as it cannot reach it any more."""
        values = bounds.astype(np.float64)
        for channel in range(len(values)):
            values[channel] = plane_ssim(self._of_query(query, channel), of_reference(row, channel))
            if values.mean() < self._least:
                break
        return float(values.mean())


def _joined(found: Sequence[_Found]) -> SsimPairs:
    pairs = sorted((query, distance, at) for one in found for query, at, distance in one.pairs)
    return SsimPairs(
        np.array([query for query, _, _ in pairs], np.intp),
        np.array([at for _, _, at in pairs], np.intp),
        np.array([distance for _, distance, _ in pairs], np.float64),
        sum(one.examined for one in found),
    )
