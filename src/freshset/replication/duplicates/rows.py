"""Vectors in rows: in memory, in memory-mapped files, or read from a file as they are needed."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError


class Rows(Protocol):
    """What neighbours are looked for in: arrays, memory maps and `NpyRows` are such."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and dimensions."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        ...

    def __getitem__(self, at: Any) -> npt.NDArray[Any]:
        """Rows of a slice, or by numbers that rise."""
        ...


class NpyRows:
    """The rows of a ``.npy`` file, read when they are asked for.

    A memory map of a large file fills the memory of the process with pages that were read; this does
    not, so that a setting of memory is kept.

    Raises
    ------
    DataError
        When the file cannot be read, or does not hold a two-dimensional array in C order.
    """

    def __init__(self, path: Path | str) -> None:
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{path}: cannot be read as an array ({error}).", "Save it with numpy.save."
            ) from error
        if not isinstance(mapped, np.memmap) or mapped.ndim != 2 or not mapped.flags.c_contiguous:
            raise DataError(f"{path}: not a two-dimensional array in C order.")
        self.shape: tuple[int, ...] = mapped.shape
        self.dtype: np.dtype[Any] = mapped.dtype
        self._offset = mapped.offset
        self._path = path
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __reduce__(self) -> tuple[Any, ...]:
        return NpyRows, (os.path.abspath(self._path),)  # noqa: PTH100  # paths may be texts

    def __getitem__(self, at: slice | npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        if isinstance(at, slice):
            start, stop, _ = at.indices(self.shape[0])
            return self._read(start, max(start, stop))
        at = np.asarray(at)
        out = np.empty((len(at), self.shape[1]), self.dtype)
        breaks = np.flatnonzero(np.diff(at) != 1) + 1
        for part in np.split(np.arange(len(at)), breaks) if len(at) else ():
            first = int(at[part[0]])
            out[part[0] : part[-1] + 1] = self._read(first, first + len(part))
        return out

    def _read(self, start: int, stop: int) -> npt.NDArray[Any]:
        width = self.shape[1] * self.dtype.itemsize
        out = np.empty((stop - start, self.shape[1]), self.dtype)
        view, at = out.reshape(-1).view(np.uint8).data, 0
        while at < len(view):
            got = os.preadv(self._file, [view[at:]], self._offset + start * width + at)
            if not got:
                raise DataError(f"{self._path}: ends before row {stop:,}.", "Copy it again.")
            at += got
        return out


class Chosen:
    """Some rows of others, or all of them in another shape.

    Parameters
    ----------
    rows
        The others.
    at
        Numbers of those that are chosen.
    shape
        Of one row as it is given out; as it is, when empty.
    """

    def __init__(self, rows: Rows, at: npt.NDArray[np.intp], shape: tuple[int, ...] = ()) -> None:
        self._rows, self._at = rows, at
        self._shape = shape or rows.shape[1:]
        self.shape: tuple[int, ...] = (len(at), *self._shape)
        self.dtype = rows.dtype

    def __getitem__(self, at: Any) -> npt.NDArray[Any]:
        found = self._rows[self._at[at]]
        return found.reshape(len(found), *self._shape)


def check_rows(rows: Rows, what: str) -> None:
    """Check that vectors are numbers in rows.

    Raises
    ------
    DataError
        When they are not; names ``what``.
    """
    if len(rows.shape) != 2 or rows.dtype.kind not in "buif":
        raise DataError(
            f"{what}: an array of shape {tuple(rows.shape)} and type {rows.dtype}.",
            "Give real numbers, one row for each image.",
        )


def check_finite(block: npt.NDArray[Any], first: int | npt.NDArray[np.intp], what: str) -> None:
    """Check that a block has no NaN and no infinity.

    Parameters
    ----------
    first
        Number of its first row, or those of all.
    what
        What to call it in messages.

    Raises
    ------
    DataError
        With the number of the first row that has one.
    """
    if block.dtype.kind != "f":
        return
    # A sum is finite unless a number is not, or it overflows; only then is each looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        sums = block.sum(axis=1, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(sums))
    bad = bad[~np.isfinite(block[bad]).all(axis=1)]
    if bad.size:
        at = int(bad[0])
        row = first + at if isinstance(first, int) else int(first[at])
        raise DataError(
            f"{what}: row {row:,} holds NaN or infinity.",
            "Remove the image, or compute its features again.",
        )
