"""The few operations on arrays that the solver needs, so that numpy and torch share its code."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from freshset.core.registry import Entry, Registry

Backend = Literal["auto", "numpy", "torch", "cuda"]
# An array of numpy or of torch; the solver only uses what both of them spell alike.
Array = Any

# Matrices whose rows start at multiples of a large power of two fight for the same cache lines, and
# vector units want rows that start at multiples of 64 bytes.
_ALIGNED, _CONFLICT = 16, 256


def row_length(columns: int) -> int:
    """Elements from one row of a matrix to the next, so that the processor reads rows fast."""
    length = -(-columns // _ALIGNED) * _ALIGNED
    return length + _ALIGNED if length % _CONFLICT == 0 else length


class Arrays(Protocol):
    """A back end.

    Attributes
    ----------
    xp
        The module, ``numpy`` or ``torch``: matmul, exp, log1p, expm1, amax, take, dot, eigh, qr.
    name
        Of the back end and its device, for records.
    """

    @property
    def xp(self) -> Any:
        """The module."""
        ...

    @property
    def name(self) -> str:
        """Of the back end."""
        ...

    def put(self, values: npt.NDArray[Any]) -> Array:
        """Copy of an array on the device, of the same type."""
        ...

    def get(self, values: Array) -> npt.NDArray[Any]:
        """The same numbers as an array of numpy."""
        ...

    def zeros(self, shape: tuple[int, ...], like: npt.DTypeLike) -> Array:
        """Zeros, of numpy's type ``float32`` or ``float64``; the rows of matrices are aligned."""
        ...

    def exact(self, *, alone: bool = False) -> AbstractContextManager[Any]:
        """A context in which products are not rounded to fewer bits than the arrays have.

        Parameters
        ----------
        alone
            Whether one thread does everything.
        """
        ...


class NumpyArrays:
    """Arrays of numpy, with whatever BLAS it has."""

    xp: Any = np
    name = "numpy"

    def put(self, values: npt.NDArray[Any]) -> Array:
        """See `Arrays.put`."""
        return np.array(values, order="C")

    def get(self, values: Array) -> npt.NDArray[Any]:
        """See `Arrays.get`."""
        return np.asarray(values)

    def zeros(self, shape: tuple[int, ...], like: npt.DTypeLike) -> Array:
        """See `Arrays.zeros`."""
        kind = np.dtype(like)
        *rows, columns = shape
        length = row_length(columns) if rows else columns
        count = int(np.prod(rows, dtype=np.int64)) * length
        # numpy aligns to 16 bytes only.
        room = np.zeros(count * kind.itemsize + 64, dtype=np.uint8)
        start = -room.ctypes.data % 64
        flat = room[start : start + count * kind.itemsize].view(kind)
        return flat.reshape(*rows, length)[..., :columns]

    def exact(self, *, alone: bool = False) -> AbstractContextManager[Any]:
        """See `Arrays.exact`."""
        return threadpool_limits(1) if alone else nullcontext()


_BACKENDS = Registry(
    "back end of the probe",
    {
        "torch": Entry(
            "freshset.models.torch_arrays:torch_arrays", "torchvision", ("torch",), "torch"
        )
    },
    "freshset.arrays",
)


def arrays_on(backend: Backend) -> Arrays:
    """Find the back end of the solver.

    Parameters
    ----------
    backend
        ``numpy``; ``torch`` on the processor; ``cuda`` on a GPU; ``auto`` takes a GPU where there is
        one, else torch where it is installed (its products of narrow matrices are up to twice as
        fast), else numpy.

    Raises
    ------
    UsageError
        When ``cuda`` is asked for and there is none.
    MissingExtraError
        When torch is asked for and not installed.
    """
    if backend == "numpy" or (backend == "auto" and find_spec("torch") is None):
        return NumpyArrays()
    found: Arrays = _BACKENDS.load("torch")(backend)
    return found
