"""Tables of texts: one pass to see all rows, then any text by its row, without holding them.

csv
    Quoted as usual; texts may hold line breaks.
tsv
    One line a row, and quotation marks are characters like any other, as the tab-separated files of
    text benchmarks have them (their reviews start with quotes that are never closed).
jsonl
    One object a line; empty lines are passed over.
Parquet
    Read by row groups, of which one is held at a time.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError, UsageError, did_you_mean

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the texts of a table are.

    Attributes
    ----------
    path
        The file.
    column
        The column of the texts.
    names
        All columns, in their order.
    size
        Bytes of the file when it was opened.
    starts
        Shape (rows,), int64: where each row starts, in bytes; in Parquet, its number.
    """

    path: Path
    column: str
    names: tuple[str, ...]
    size: int
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, row: int) -> str:
        """Text of a row.

        Raises
        ------
        IndexError
            When there is no such row.
        DataError
            When the file has changed since it was opened.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"{self.path}: no row {row} of {len(self)}.")
        try:
            if self.path.stat().st_size != self.size:
                raise self._changed()
            if self.path.suffix.lower() == ".parquet":
                value = _parquet_text(self.path, self.column, self.size, int(self.starts[row]))
            else:
                with self.path.open("rb") as stream:
                    stream.seek(int(self.starts[row]))
                    _, record = next(_records(self.path, stream, self.names))
                value = record[self.column]
        except (OSError, StopIteration, KeyError, DataError) as error:
            raise self._changed() from error
        return checked_text(value, self.path, row, self.column)

    def _changed(self) -> DataError:
        return DataError(f"{self.path}: has changed since it was opened.", "Start again.")


def scan(path: Path, column: str, others: tuple[str, ...]) -> tuple[Rows, dict[str, list[Any]]]:
    """Go through a table once.

    Parameters
    ----------
    path
        A csv, tsv, jsonl or Parquet file.
    column
        The column of the texts.
    others
        Columns to return, one value a row.

    Raises
    ------
    DataError
        For a file that is not what its name says, a column that it lacks, or a text that is missing
        or empty; names the row.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise UsageError(f"{path}: unknown kind of file.", f"Use one of: {', '.join(SUFFIXES)}.")
    starts: list[int] = []
    values: dict[str, list[Any]] = {name: [] for name in others}
    wanted = tuple(dict.fromkeys((column, *others)))
    try:
        names = columns_of(path)
        for name in wanted:
            if name not in names:
                raise DataError(f"{path}: no column {name!r}.", did_you_mean(name, names))
        for row, (start, record) in enumerate(_all(path, names, wanted)):
            checked_text(record.get(column), path, row, column)
            starts.append(start)
            for name in others:
                values[name].append(record.get(name))
        size = path.stat().st_size
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", "Copy the file again.") from error
    if not starts:
        raise DataError(f"{path}: no rows.")
    return Rows(path, column, names, size, np.array(starts, dtype=np.int64)), values


def columns_of(path: Path) -> tuple[str, ...]:
    """Columns of a table, in their order; of jsonl, those of the first row."""
    if path.suffix.lower() == ".parquet":
        return tuple(pq.read_schema(path).names)
    with path.open("rb") as stream:
        if path.suffix.lower() == ".jsonl":
            first = next(_records(path, stream, ()), None)
            return tuple(first[1]) if first else ()
        header = next(_fields(path, stream), None)
    names = header[1] if header else []
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: two columns are called {twice!r}.", "Rename one.")
    return tuple(names)


def checked_text(value: Any, path: Path, row: int, column: str) -> str:
    """Return a text; raises `DataError` when it is none, or there is nothing in it."""
    if isinstance(value, str) and value.strip():
        return value
    what = "no text" if value is None or isinstance(value, str) else f"{value!r}, not a text"
    raise DataError(f"{path}: row {row}: {what} in {column!r}.", "Remove or complete the row.")


def _all(
    path: Path, names: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix.lower() != ".parquet":
        with path.open("rb") as stream:
            if path.suffix.lower() != ".jsonl":
                next(_fields(path, stream))
            yield from _records(path, stream, names)
        return
    row = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1024, columns=list(wanted)):
            for record in batch.to_pylist():
                yield row, record
                row += 1


def _records(
    path: Path, stream: IO[bytes], names: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows from where the stream is, each with the byte at which it starts."""
    if path.suffix.lower() != ".jsonl":
        for start, fields in _fields(path, stream):
            if len(fields) != len(names):
                raise DataError(
                    f"{path}: byte {start}: {len(fields)} fields in a row of {len(names)} columns.",
                    "Quote texts that hold commas or line breaks, or use jsonl.",
                )
            yield start, dict(zip(names, fields, strict=True))
        return
    start = stream.tell()
    for line in iter(stream.readline, b""):
        if text := _decode(line, path, start).strip():
            try:
                record = json.loads(text)
            except json.JSONDecodeError as error:
                raise DataError(f"{path}: byte {start}: not JSON ({error.msg}).") from error
            if not isinstance(record, dict):
                raise DataError(f"{path}: byte {start}: not an object.", "Write one object a line.")
            yield start, record
        start = stream.tell()


def _fields(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Rows of a csv or tsv from where the stream is."""

    def lines() -> Iterator[str]:
        for line in iter(stream.readline, b""):
            yield _decode(line, path, stream.tell() - len(line))

    if path.suffix.lower() == ".tsv":
        reader = csv.reader(lines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines(), strict=True)
    while True:
        # The reader takes no line before it needs it, so here a row starts.
        start = stream.tell()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            hint = "Long texts go into jsonl or Parquet." if "limit" in str(error) else ""
            raise DataError(f"{path}: byte {start}: not csv ({error}).", hint) from error
        if fields is None:
            return
        if fields:
            yield start, fields


def _decode(line: bytes, path: Path, start: int) -> str:
    try:
        return (line.removeprefix(_MARK) if start == 0 else line).decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {start + error.start}: not UTF-8 text.", "Save the file as UTF-8."
        ) from error


@lru_cache(maxsize=1)
def _group(path: Path, column: str, size: int, group: int) -> pa.ChunkedArray[Any]:  # noqa: ARG001
    """One row group's texts; its size is in the key so that another file is not taken for it."""
    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, columns=[column]).column(column)


@lru_cache(maxsize=4)
def _ends(path: Path, size: int) -> npt.NDArray[np.int64]:  # noqa: ARG001
    meta = pq.read_metadata(path)
    counts = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
    return np.cumsum(counts, dtype=np.int64)


def _parquet_text(path: Path, column: str, size: int, row: int) -> Any:
    ends = _ends(path, size)
    group = int(np.searchsorted(ends, row, side="right"))
    start = int(ends[group - 1]) if group else 0
    return _group(path, column, size, group)[row - start].as_py()
