"""Arrays of torch, on a processor or a GPU: what the solver of the probe runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from freshset.core.errors import UsageError

# As in the arrays of numpy: rows start at multiples of 64 bytes, and not of a large power of two.
_ALIGNED, _CONFLICT = 16, 256
_TYPES = {"float32": "float32", "float64": "float64"}


class TorchArrays:
    """Arrays of torch on one device.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``.
    """

    xp: Any = torch

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self.name = f"torch {device}"

    def put(self, values: npt.NDArray[Any]) -> Any:
        """Copy of an array on the device."""
        return torch.tensor(np.ascontiguousarray(values), device=self._device)

    def get(self, values: Any) -> npt.NDArray[Any]:
        """The same numbers as an array of numpy."""
        return np.asarray(values.cpu().numpy())

    def zeros(self, shape: tuple[int, ...], like: npt.DTypeLike) -> Any:
        """Zeros, of numpy's type ``float32`` or ``float64``; the rows of matrices are aligned."""
        *rows, columns = shape
        length = columns
        if rows:
            length = -(-columns // _ALIGNED) * _ALIGNED
            length += _ALIGNED if length % _CONFLICT == 0 else 0
        kind = getattr(torch, _TYPES[np.dtype(like).name])
        return torch.zeros((*rows, length), dtype=kind, device=self._device)[..., :columns]

    def exact(self, *, alone: bool = False) -> AbstractContextManager[None]:
        """A context without gradients, in which products keep all bits of float32.

        Parameters
        ----------
        alone
            Whether one thread does everything, what numpy does in between too.
        """
        return _exact(alone)


@contextmanager
def _exact(alone: bool) -> Iterator[None]:
    # A caller may have allowed TF32 or bfloat16 for training; the probe's optimum needs float32.
    before, threads = torch.get_float32_matmul_precision(), torch.get_num_threads()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode(), threadpool_limits(1) if alone else nullcontext():
            if alone:
                torch.set_num_threads(1)
            yield
    finally:
        torch.set_float32_matmul_precision(before)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def torch_arrays(backend: str) -> TorchArrays:
    """Arrays for ``torch`` (processor), ``cuda``, or ``auto``: a GPU where there is one.

    Raises
    ------
    UsageError
        When a GPU is required and torch finds none.
    """
    gpu = torch.cuda.is_available()
    if backend == "cuda" and not gpu:
        raise UsageError("torch finds no GPU here.", "Use the CPU: backend torch or numpy.")
    return TorchArrays("cuda" if gpu and backend != "torch" else "cpu")
