"""Products of many vectors by torch, on a GPU: what the search for near-duplicates spends its time on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from freshset.core.errors import UsageError

Floats = npt.NDArray[np.float32]
Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]


class TorchProducts:
    """Products of held queries with one block of references after the other, in full float32.

    Parameters
    ----------
    queries
        Shape (n, dimension).
    device
        Of torch.
    """

    def __init__(self, queries: Floats, device: str) -> None:
        self._device = torch.device(device)
        self._queries = torch.from_numpy(queries).to(self._device)
        self._block = self._queries[:0]

    def put(self, block: Floats) -> None:
        """Take the next block, shape (references, dimension)."""
        self._block = torch.from_numpy(block).to(self._device)

    def above(self, rows: slice, least: Floats) -> Found:
        """Products that are larger than a number for each query: rows, columns and products."""
        matmul = torch.backends.cuda.matmul
        before = matmul.allow_tf32
        matmul.allow_tf32 = False  # with 10 bits the bound of rounding would not hold
        try:
            with torch.inference_mode():
                values = self._queries[rows] @ self._block.T
                marks = torch.gt(values, torch.from_numpy(least).to(self._device)[:, None])
                at_row, at_column = torch.nonzero(marks, as_tuple=True)
                found = values[at_row, at_column]
        finally:
            matmul.allow_tf32 = before
        return (
            np.asarray(at_row.cpu().numpy(), dtype=np.intp),
            np.asarray(at_column.cpu().numpy(), dtype=np.intp),
            np.asarray(found.cpu().numpy(), dtype=np.float32),
        )


def on_gpu(*, required: bool) -> Callable[[Floats], TorchProducts] | None:
    """Who makes products on the GPU; nobody where there is none.

    Raises
    ------
    UsageError
        When a GPU is required and torch finds none.
    """
    if torch.cuda.is_available():
        return lambda queries: TorchProducts(queries, "cuda")
    if required:
        raise UsageError("torch finds no GPU here.", "Use the CPU: --device cpu.")
    return None
