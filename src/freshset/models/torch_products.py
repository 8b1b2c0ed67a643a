"""Products of many vectors by torch, on a GPU: what the search for near-duplicates spends its time on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from freshset.core.errors import UsageError

Floats = npt.NDArray[np.float32]
Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]


@dataclass(frozen=True, slots=True)
class TorchMaker:
    """Makes `TorchProducts`.

    Attributes
    ----------
    device
        Of torch.
    half
        Whether numbers and products are bfloat16 (sums are float32), or all is full float32.
    """

    device: str
    half: bool = False

    def __call__(self, queries: Floats, /) -> TorchProducts:
        """Hold queries, shape (n, dimension)."""
        return TorchProducts(queries, self)


class TorchProducts:
    """Products of held queries with one block of references after the other."""

    def __init__(self, queries: Floats, maker: TorchMaker) -> None:
        self._device = torch.device(maker.device)
        self._dtype = torch.bfloat16 if maker.half else torch.float32
        self._queries = self._there(queries)
        self._block = self._queries[:0]

    def put(self, block: Floats) -> None:
        """Take the next block, shape (references, dimension)."""
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
    return TorchMaker("cpu", half=True) if unit is not None and unit() else None
