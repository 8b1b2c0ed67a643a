"""Matrix products and the comparison after them: the one step worth a GPU."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.registry import Entry, Registry

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats | Numbers]
Device = Literal["auto", "cpu", "cuda"]


class Products(Protocol):
    """Products of held queries with one block of references after the other."""

    def put(self, block: npt.NDArray[Any], norms: Numbers) -> None:
        """Take the next block.

        Parameters
        ----------
        block
            References, shape (references, dimension).
        norms
            Of them; float32 has a column of its own for these.
        """
        ...

    def above(self, rows: slice, least: Floats) -> Found:
        """Products of some queries with the block that are larger than a number for each query.

        Whole products are compared less half the square of the reference.

        Parameters
        ----------
        rows
            Which of the queries.
        least
            Shape (queries of the slice,).

        Returns
        -------
        Rows (from 0 at the beginning of the slice) and columns in row order, and the products.
        """
        ...


class Maker(Protocol):
    """Makes `Products` of queries.

    Attributes
    ----------
    half
        Whether numbers are rounded to bfloat16, and the products too; sums are in float32 always.
    whole
        Whether whole numbers, int8, are multiplied exactly.
    """

    @property
    def half(self) -> bool:
        """Whether they are."""
        ...

    @property
    def whole(self) -> bool:
        """Whether they are."""
        ...

    def __call__(self, queries: npt.NDArray[Any], /) -> Products:
        """Hold queries, shape (n, dimension)."""
        ...


class NumpyProducts:
    """Products by numpy, in the threads of its BLAS; the comparison in as many.

    Parameters
    ----------
    queries
        Shape (n, dimension).
    """

    half = False
    whole = False

    def __init__(self, queries: npt.NDArray[Any]) -> None:
        self._queries = queries
        self._block = queries[:0]
        self._room = np.empty(0, np.float32)
        self._marks = np.empty(0, np.bool_)
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads)

    def put(self, block: npt.NDArray[Any], norms: Numbers) -> None:
        """See `Products.put`."""
        del norms
        self._block = block

    def above(self, rows: slice, least: Floats) -> Found:
        """See `Products.above`."""
        queries = self._queries[rows]
        shape = (len(queries), len(self._block))
        size = shape[0] * shape[1]
        # Fresh memory of this size would cost as much as the comparison does.
        if self._room.size < size:
            self._room, self._marks = np.empty(size, np.float32), np.empty(size, np.bool_)
        values, marks = self._room[:size].reshape(shape), self._marks[:size].reshape(shape)
        np.matmul(queries, self._block.T, out=values)

        def compare(part: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
            here = slice(part[0], part[-1] + 1)
            np.greater(values[here], least[here, None], out=marks[here])
            found: npt.NDArray[np.intp] = np.flatnonzero(marks[here])
            return found + int(part[0]) * shape[1]

        parts = [p for p in np.array_split(np.arange(shape[0]), self._threads) if p.size]
        found = np.concatenate([*self._pool.map(compare, parts), np.empty(0, np.intp)])
        at_row, at_column = np.divmod(found, max(shape[1], 1))
        return at_row, at_column, values.reshape(-1)[found]


_DEVICES = Registry(
    "device for products",
    {
        "cuda": Entry(
            "freshset.models.torch_products:fastest", "torchvision", ("torch",), "a GPU by torch"
        )
    },
    "freshset.products",
)


def products_on(device: Device) -> Maker:
    """Who makes products: numpy (``cpu``), or torch.

    ``auto`` takes a GPU where there is one, the matrix unit of a processor that has one, or else numpy.

    Raises
    ------
    UsageError
        When ``cuda`` is asked for and there is none.
    MissingExtraError
        When ``cuda`` is asked for and torch is not installed.
    """
    if device == "cuda" or (device == "auto" and find_spec("torch") is not None):
        make: Maker | None = _DEVICES.load("cuda")(gpu=device == "cuda")
        if make is not None:
            return make
    maker: Maker = NumpyProducts
    return maker
