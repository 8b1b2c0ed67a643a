"""Columns of Parquet, csv, npz and npy files, read by name and one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError


class Table(Protocol):
    """A file of columns of one length.

    Attributes
    ----------
    path
        The file.
    names
        Of its columns, in their order.
    """

    @property
    def path(self) -> Path: ...  # noqa: D102 - see the class

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102 - see the class

    def column(self, name: str) -> npt.NDArray[Any]:
        """Read a column: shape (rows,), or (rows, k) where it holds lists of one length."""

    def ids(self, name: str) -> list[str]:
        """Read a column as it is written: ``007`` stays ``007``."""


def open_table(path: Path) -> Table:
    """Read the names of a file's columns.

    Raises
    ------
    DataError
        When it is of another kind, or cannot be read.
    """
    kinds = {".parquet": _parquet, ".csv": _csv, ".npz": _npz, ".npy": _npy}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path}: unknown kind of file.", f"Use one of: {', '.join(kinds)}.")
    try:
        return kind(path)
    except (pa.ArrowException, ValueError, OSError, EOFError, BadZipFile) as error:
        # pandas' own errors are ValueErrors too.
        raise _unreadable(path) from error


@dataclass(frozen=True, slots=True)
class _Parquet:
    path: Path
    names: tuple[str, ...]

    def column(self, name: str) -> npt.NDArray[Any]:
        try:
            chunks = pq.read_table(self.path, columns=[name]).column(name).combine_chunks()
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.path) from error
        if isinstance(chunks.type, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
            return _matrix(chunks, name, self.path)
        if chunks.null_count:
            raise DataError(f"{self.path}: {name} has {chunks.null_count} empty cells.")
        return np.asarray(chunks.to_numpy(zero_copy_only=False))

    def ids(self, name: str) -> list[str]:
        return [str(value) for value in self.column(name).tolist()]


@dataclass(frozen=True, slots=True)
class _Csv:
    path: Path
    names: tuple[str, ...]

    def column(self, name: str) -> npt.NDArray[Any]:
        # A class may be called NA or None; only what is empty is missing.
        frame = pd.read_csv(self.path, usecols=[name], keep_default_na=False, na_values=[""])
        values = frame[name]
        if values.isna().any():
            row = int(values.isna().to_numpy().argmax())
            raise DataError(f"{self.path}: row {row}: {name} is empty.")
        return values.to_numpy(dtype=None if values.dtype.kind in "iuf" else object)

    def ids(self, name: str) -> list[str]:
        frame = pd.read_csv(self.path, usecols=[name], dtype=str, keep_default_na=False)
        return [str(value) for value in frame[name]]


@dataclass(frozen=True, slots=True)
class _Npz:
    path: Path
    names: tuple[str, ...]

    def column(self, name: str) -> npt.NDArray[Any]:
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                return np.asarray(archive[name])
        except ValueError as error:
            raise DataError(
                f"{self.path}: {name} holds Python objects or is cut short.",
                "Store numbers, and texts as arrays of fixed-width strings.",
            ) from error

    def ids(self, name: str) -> list[str]:
        return [str(value) for value in self.column(name).tolist()]


@dataclass(frozen=True, slots=True)
class _Npy:
    path: Path
    names: tuple[str, ...]

    def column(self, name: str) -> npt.NDArray[Any]:  # noqa: ARG002 - there is only one
        return np.asarray(np.load(self.path, allow_pickle=False))

    def ids(self, name: str) -> list[str]:
        return [str(value) for value in self.column(name).tolist()]


def _parquet(path: Path) -> Table:
    return _Parquet(path, tuple(pq.read_schema(path).names))


def _csv(path: Path) -> Table:
    return _Csv(path, tuple(map(str, pd.read_csv(path, nrows=0).columns)))


def _npz(path: Path) -> Table:
    # numpy leaves a file open that it opened itself and found to be damaged.
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        return _Npz(path, tuple(archive.files))


def _npy(path: Path) -> Table:
    kind = np.load(path, mmap_mode="r", allow_pickle=False).dtype.kind
    return _Npy(path, ("scores" if kind == "f" else "prediction",))


def _matrix(lists: Any, name: str, path: Path) -> npt.NDArray[Any]:
    if lists.null_count or lists.flatten().null_count:
        raise DataError(f"{path}: {name} has empty cells.")
    sizes = np.asarray(lists.value_lengths().to_numpy(zero_copy_only=False))
    other = np.flatnonzero(sizes != sizes[0]) if len(sizes) else sizes
    if len(other):
        raise DataError(
            f"{path}: row {other[0]}: {sizes[other[0]]} values in {name}, not {sizes[0]}."
        )
    flat = np.asarray(lists.flatten().to_numpy(zero_copy_only=False))
    return flat.reshape(len(sizes), int(sizes[0]) if len(sizes) else 0)


def _unreadable(path: Path) -> DataError:
    return DataError(f"{path}: cannot be read; it may be cut short.", "Copy or write it again.")
