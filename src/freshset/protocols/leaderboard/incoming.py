"""Files from strangers: nothing in them may take more memory than a submission can need."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError
from freshset.protocols.replay import read_predictions
from freshset.protocols.sealed.submission import Public, Submission

KINDS = (".csv", ".json", ".npy", ".npz", ".parquet")

_SMALL = 1_000_000
_PER_ITEM = 4_000
"""Bytes that an example may take unpacked: its id, its class, and columns that nobody asked for."""


def read_upload(path: Path, public: Public, *, name: str) -> Submission:
    """Read and check one model's predictions.

    Parameters
    ----------
    path
        Where they lie, under any name that ends as the file's own does.
    name
        As the sender calls the file; messages name it so, and never say where it lies.

    Raises
    ------
    DataError
        For a file that cannot be read, wants too much room, or is no submission (length, order, ids,
        classes).  No label is looked at.
    """
    if path.suffix.lower() not in KINDS:
        raise DataError(f"{name}: unknown kind of file.", f"Use one of: {', '.join(KINDS)}.")
    try:
        _check_room(path, _SMALL + _PER_ITEM * public.n, public.n)
        found = read_predictions(path, public)
    except DataError as error:
        hint = error.hint if "No look" in error.hint else f"{error.hint} No look was used.".strip()
        raise DataError(
            error.message.replace(str(path), name), hint.replace(str(path), name)
        ) from error
    except Exception as error:
        # pandas, numpy and pyarrow raise many kinds for what is no file of theirs.
        raise DataError(
            f"{name}: cannot be read as {path.suffix[1:]}.", "Write it again. No look was used."
        ) from error
    if len(found) != 1:
        raise DataError(
            f"{name} holds {len(found):,} models; a submission is one.", "Send one file a model."
        )
    submission: Submission = found[0][1]
    return submission


def _check_room(path: Path, most: int, n: int) -> None:
    kind = path.suffix.lower()
    if kind == ".npy" and not _begins_with(path, b"\x93NUMPY"):
        raise DataError(f"{path}: not a whole .npy file.", "Write it again with numpy.save.")
    if kind == ".npz":
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    elif kind == ".parquet":
        size, rows = _parquet_size(path)
        if rows > 2 * n + 1_000:
            raise DataError(f"{path}: {rows:,} rows for {n:,} examples.", "No look was used.")
    else:
        size = path.stat().st_size
    if size > most:
        raise DataError(
            f"{path}: {size:,} bytes unpacked, for {n:,} examples.",
            "Send ids and first choices only. No look was used.",
        )


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _parquet_size(path: Path) -> tuple[int, int]:
    try:
        found = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file.", "Write it again.") from error
    values = size = 0
    for group in range(found.num_row_groups):
        part = found.row_group(group)
        size += part.total_byte_size
        values += sum(part.column(k).num_values for k in range(part.num_columns))
    return max(size, 4 * values), found.num_rows
