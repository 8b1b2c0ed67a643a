"""A Parquet column of encoded images, of which one row group is held at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError

_LARGE = 256 << 20


@dataclass(frozen=True, slots=True)
class BytesColumn:
    """Where the bytes are.

    Attributes
    ----------
    path
        The Parquet file.
    column
        The column; ``column.bytes`` where that is a struct such as Hugging Face writes.
    modified
        When the file was last written.
    ends
        Shape (row groups,), int64: rows in all groups up to each.
    """

    path: Path
    column: str
    modified: int
    ends: npt.NDArray[np.int64]

    def get(self, row: int) -> bytes:
        """Bytes of a row.

        Raises
        ------
        IndexError
            When there is no such row.
        DataError
            When the row has no bytes, or the file has changed.
        """
        if not 0 <= row < int(self.ends[-1]):
            raise IndexError(f"{self.path}: no row {row}.")
        group = int(np.searchsorted(self.ends, row, side="right"))
        start = int(self.ends[group - 1]) if group else 0
        value = _group(self.path, self.column, self.modified, group)[row - start].as_py()
        if not value:
            raise DataError(f"{self.path}: row {row}: no bytes in {self.column!r}.")
        return bytes(value)


def bytes_column(path: Path, column: str) -> tuple[BytesColumn | None, tuple[str, ...]]:
    """Find the bytes of a column.

    Returns
    -------
    The column, or ``None`` when it holds no bytes; and what to note of it.
    """
    with pq.ParquetFile(path) as file:
        kind = file.schema_arrow.field(column).type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            name = f"{column}.bytes"
        elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            name = column
        else:
            return None, ()
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    largest = max((group.total_byte_size for group in groups), default=0)
    note = (
        f"{path}: row groups of up to {largest >> 20:,} MiB, of which every worker process holds "
        "one; smaller ones (row_group_size=1000) take less memory"
    )
    ends = np.cumsum([group.num_rows for group in groups], dtype=np.int64)
    found = BytesColumn(path, name, path.stat().st_mtime_ns, ends)
    return found, (note,) if largest > _LARGE else ()


@lru_cache(maxsize=1)
def _group(path: Path, column: str, modified: int, group: int) -> pa.ChunkedArray[Any]:
    try:
        if path.stat().st_mtime_ns != modified:
            raise DataError(f"{path}: the file changed since it was opened.", "Run again.")
        with pq.ParquetFile(path) as file:
            table = file.read_row_group(group, columns=[column])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: row group {group}: damaged ({error}).", "Copy it again.") from (
            error
        )
    return table.flatten().column(0)
