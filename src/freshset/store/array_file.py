"""One npy file that is written as its rows come, so that they never lie in memory together.

Its head says from the start how many rows it will have.  It can be mapped into memory when all of
them are there, and taken up again after its process died.
"""

from __future__ import annotations

import hashlib
import io
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from freshset.core.errors import StoreError

_BLOCK = 1 << 22


class ArrayFile:
    """Rows of an array of shape (n, width), appended to a file.

    Parameters
    ----------
    path
        Of the file; it is made with the first rows.
    n
        Rows that it will have.
    dtype
        Of the values in the file.
    keep
        Rows of an earlier process that are kept; whatever is behind them is cut off.

    Attributes
    ----------
    path
        As given.
    rows
        Rows that are there.

    Raises
    ------
    StoreError
        When the rows to keep are not in the file.
    """

    def __init__(self, path: Path, n: int, dtype: npt.DTypeLike, *, keep: int = 0) -> None:
        self.path = path
        self.rows = 0
        self._n = n
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._width = 0
        self._stream: io.BufferedWriter | None = None
        self._digest = hashlib.sha256()
        # A digest takes as long as writing, or longer; both go on at once, and while others compute.
        self._digester = ThreadPoolExecutor(1)
        self._digesting: Future[None] | None = None
        if keep:
            self._take_up(keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def width(self) -> int:
        """Values of a row; 0 before there is one."""
        return self._width

    @property
    def sha256(self) -> str:
        """Digest of the bytes that were written; empty when there are none."""
        self._settle()
        return self._digest.hexdigest() if self.rows else ""

    def append(self, values: npt.NDArray[Any]) -> None:
        """Add rows, which the next process finds when this one is killed.

        Parameters
        ----------
        values
            Shape (rows, width); the width is that of the first rows.  They must not be changed after.

        Raises
        ------
        StoreError
            When they do not fit, by their width or their number.
        """
        if self._stream is None:
            self._width = values.shape[1]
            self._stream = self.path.open("wb")
            self._write(self._head())
        if values.shape[1] != self._width or self.rows + len(values) > self._n:
            raise StoreError(
                f"{self.path}: rows that do not fit: {len(values):,} of {values.shape[1]:,} values "
                f"after {self.rows:,} of {self._n:,} rows of {self._width:,}."
            )
        flat = np.ascontiguousarray(values, dtype=self._dtype).reshape(-1)
        self._write(flat.view(np.uint8).data)
        self._stream.flush()
        self.rows += len(values)

    def sync(self) -> None:
        """Put all rows on the disk, so that a power failure leaves them there, too."""
        if self._stream is not None:
            os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._digester.shutdown()
        if self._stream is not None:
            self._stream.close()

    def _write(self, data: bytes | memoryview) -> None:
        assert self._stream is not None  # noqa: S101 - the caller has opened it
        self._settle()
        self._digesting = self._digester.submit(self._digest.update, data)
        self._stream.write(data)

    def _settle(self) -> None:
        if self._digesting is not None:
            self._digesting.result()
            self._digesting = None

    def _head(self) -> bytes:
        buffer = io.BytesIO()
        shape = (self._n, self._width)
        head = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(buffer, head)
        return buffer.getvalue()

    def _take_up(self, keep: int) -> None:
        wrong = StoreError(
            f"{self.path}: does not have the {keep:,} rows that it should have.",
            f"Delete {self.path.parent}, and run again.",
        )
        try:
            with self.path.open("rb") as stream:
                np.lib.format.read_magic(stream)
                shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
                start = stream.tell()
        except (OSError, ValueError) as error:
            raise wrong from error
        stop = start + keep * shape[-1] * dtype.itemsize
        if (dtype, shape[0], len(shape)) != (self._dtype, self._n, 2) or keep > self._n:
            raise wrong
        if self.path.stat().st_size < stop:
            raise wrong
        self._width, self.rows = shape[1], keep
        os.truncate(self.path, stop)
        with self.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                self._digest.update(block)
        self._stream = self.path.open("ab")
