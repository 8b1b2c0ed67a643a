"""Products of many vectors by torch, on a GPU: what the search for near-duplicates spends its time on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from freshset.core.errors import UsageError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats | Numbers]

# Torch's products of int8, summed in int32; not all versions have them.
_multiply: Any = getattr(torch, "_int_mm", None)


@dataclass(frozen=True, slots=True)
class TorchMaker:
    """Makes `TorchProducts`, or `WholeProducts` of whole numbers.

    Attributes
    ----------
    device
        Of torch.
    half
        Whether numbers and products are bfloat16 (sums are float32), or all is full float32.
    whole
        Whether whole numbers, int8, are multiplied exactly.
    """

    device: str
    half: bool = False
    whole: bool = False

    def __call__(self, queries: npt.NDArray[Any], /) -> TorchProducts | WholeProducts:
        """Hold queries, shape (n, dimension)."""
        if queries.dtype == np.int8:
            return WholeProducts(queries)
        return TorchProducts(queries, self)


class TorchProducts:
    """Products of held queries with one block of references after the other."""

    def __init__(self, queries: Floats, maker: TorchMaker) -> None:
        self._device = torch.device(maker.device)
        self._dtype = torch.bfloat16 if maker.half else torch.float32
        self._queries = self._there(queries)
        self._block = self._queries[:0]

    def put(self, block: Floats, norms: Numbers) -> None:
        """Take the next block, shape (references, dimension)."""
        del norms
        self._block = self._there(block)

    def _there(self, values: Floats) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device).to(self._dtype)

    def above(self, rows: slice, least: Floats) -> Found:
        """Products that are larger than a number for each query: rows, columns and products."""
        matmul = torch.backends.cuda.matmul
        before = matmul.allow_tf32
        matmul.allow_tf32 = False  # with 10 bits the bound of rounding would not hold
        try:
            with torch.inference_mode():
                values = self._queries[rows] @ self._block.T
                limits = torch.from_numpy(least).to(self._device)[:, None]
                if self._dtype == torch.bfloat16:
                    # The limits are just below numbers of bfloat16, which products may be equal to.
                    marks = torch.ge(values, limits.to(self._dtype))
                else:
                    marks = torch.gt(values, limits)
                at_row, at_column = torch.nonzero(marks, as_tuple=True)
                found = values[at_row, at_column].float()
        finally:
            matmul.allow_tf32 = before
        return (
            np.asarray(at_row.cpu().numpy(), dtype=np.intp),
            np.asarray(at_column.cpu().numpy(), dtype=np.intp),
            np.asarray(found.cpu().numpy(), dtype=np.float32),
        )


class WholeProducts:
    """Products of whole numbers of 8 bits by the matrix unit of a processor: 32 bits, not rounded."""

    def __init__(self, queries: npt.NDArray[np.int8]) -> None:
        self._queries = _wide(queries)
        self._block = self._queries[:0]
        self._halves = np.empty(0, np.int32)
        self._room = np.empty(0, np.int32)

    def put(self, block: npt.NDArray[np.int8], norms: Numbers) -> None:
        """Take the next block, shape (references, dimension), and the norms of its vectors."""
        self._block = _wide(block)
        self._halves = _whole(np.rint(norms * norms) / 2)

    def above(self, rows: slice, least: Floats) -> Found:
        """Products that are larger than a number for each query and half the square of the reference."""
        queries = self._queries[rows]
        shape = (len(queries), len(self._block))
        size = shape[0] * shape[1]
        # Fresh memory of this size would cost nearly as much as the products do.
        if self._room.size < size:
            self._room = np.empty(size, np.int32)
        values = self._room[:size].reshape(shape)
        with torch.inference_mode():
            there = torch.from_numpy(values)
            _multiply(torch.from_numpy(queries), torch.from_numpy(self._block).T, out=there)
            there.sub_(torch.from_numpy(self._halves))
            marks = torch.gt(there, torch.from_numpy(_whole(least)[:, None])).numpy()
        found = np.flatnonzero(marks)
        at_row, at_column = np.divmod(found, max(shape[1], 1))
        # As float64, since float32 does not hold all of 32 bits.
        products = values.reshape(-1)[found].astype(np.float64) + self._halves[at_column]
        return at_row, at_column, products


def _wide(values: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """At least two columns, as torch 2.14 multiplies a single one wrongly."""
    return values if values.shape[1] > 1 else np.pad(values, ((0, 0), (0, 1)))


def _whole(values: Floats | Numbers) -> npt.NDArray[np.int32]:
    """Whole numbers that are as large at most, within 32 bits."""
    floor = np.floor(values.astype(np.float64))
    return np.maximum(floor, np.iinfo(np.int32).min).astype(np.int32)


def fastest(*, gpu: bool) -> TorchMaker | None:
    """Who makes products on a GPU or the matrix unit of a processor; nobody where there is neither.

    Raises
    ------
    UsageError
        When a GPU is required and torch finds none.
    """
    if torch.cuda.is_available():
        return TorchMaker("cuda")
    if gpu:
        raise UsageError("torch finds no GPU here.", "Use the CPU: --device cpu.")
    unit = getattr(torch.cpu, "_is_amx_tile_supported", None)
    if unit is None or not unit():
        return None
    return TorchMaker("cpu", half=True, whole=_multiply is not None)
