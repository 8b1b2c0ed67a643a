"""Reading tables from csv and Parquet files with their text as it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError, UsageError
from freshset.core.files import write_atomic
from freshset.stats.types import FloatArray

KINDS = (".csv", ".parquet")


def table_kind(path: Path) -> str:
    """Return ``.csv`` or ``.parquet``, by the file's name.

    Raises
    ------
    UsageError
        For another kind of file.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UsageError(f"{path}: unknown kind of file.", f"Use one of: {', '.join(KINDS)}.")
    return kind


def read_table(path: Path) -> pd.DataFrame:
    """Read a table; every value of a csv file stays text: '007' must not become 7, nor 'NA' nothing.

    Raises
    ------
    DataError
        When the file cannot be read.
    UsageError
        For another kind of file.
    """
    if table_kind(path) == ".csv":
        try:
            return pd.read_csv(path, dtype=str, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read as csv ({error}).") from error
    try:
        return pq.read_table(path).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file; it may be truncated.", "Write it again."
        ) from error


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table, by the name of the file; readers see all of it or what was there before.

    Raises
    ------
    UsageError
        For another kind of file.
    """
    if table_kind(path) == ".csv":
        write_atomic(path, frame.to_csv(index=False, lineterminator="\n"))
        return
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def texts(column: pd.Series, path: Path) -> npt.NDArray[np.object_]:
    """Values as text, shape (rows,); raises `DataError` where one is empty, naming the row from 0."""
    empty = (column.isna() | (column == "")).to_numpy()
    if empty.any():
        raise DataError(f"{path}: row {int(empty.argmax())}: {column.name!r} is empty.")
    return column.astype(str).to_numpy(dtype=object)


def numbers(column: pd.Series, path: Path) -> FloatArray:
    """Values as numbers, shape (rows,); raises `DataError` where one is none, naming the row from 0."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"{path}: row {row}: {column.name!r} is {column.iloc[row]!r}, no number.")
    return values
