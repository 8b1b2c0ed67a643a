from __future__ import annotations

import os
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from freshset.core.errors import DataError
from freshset.datasets import parquet_bytes
from freshset.datasets.parquet_bytes import BytesColumn, bytes_column

ROWS = [b"zero", b"one", b"two", b"three", b"four", None]


def table(folder: Path, kind: str) -> Path:
    column = {
        "binary": pa.array(ROWS, pa.binary()),
        "large": pa.array(ROWS, pa.large_binary()),
        "struct": pa.array([{"path": "a", "bytes": one} for one in ROWS]),
        "text": pa.array([str(one) for one in ROWS]),
    }[kind]
    pq.write_table(pa.table({"my.image": column, "n": range(6)}), folder / "t.parquet", 2)
    return folder / "t.parquet"


def opened(path: Path) -> BytesColumn:
    column, notes = bytes_column(path, "my.image")
    assert column is not None
    assert notes == ()
    return column


@pytest.mark.parametrize("kind", ["binary", "large", "struct"])
def test_any_row_in_any_order(kind: str, tmp_path: Path) -> None:
    column = opened(table(tmp_path, kind))
    copy = pickle.loads(pickle.dumps(column))
    for row in (4, 0, 3, 1, 2, 4):
        assert column.get(row) == copy.get(row) == ROWS[row]
    with pytest.raises(DataError, match="row 5: no bytes"):
        column.get(5)
    for row in (6, -1):
        with pytest.raises(IndexError, match=f"no row {row}"):
            column.get(row)


def test_other_columns_hold_no_bytes(tmp_path: Path) -> None:
    assert bytes_column(table(tmp_path, "text"), "my.image") == (None, ())
    assert bytes_column(table(tmp_path, "struct"), "n") == (None, ())


def test_one_row_group_is_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, group: int, columns: list[str]) -> pa.Table:
        read.append(group)
        return original(self, group, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    column = opened(table(tmp_path, "binary"))
    for row in range(5):
        column.get(row)
    assert read == [0, 1, 2]
    assert parquet_bytes._group.cache_info().currsize == 1


def test_large_row_groups_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_bytes, "_LARGE", 10)
    _, notes = bytes_column(table(tmp_path, "binary"), "my.image")
    assert "row_group_size" in notes[0]


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    path = table(tmp_path, "binary")
    column = opened(path)
    assert column.get(0) == b"zero"
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError, match="the file changed since it was opened"):
        column.get(3)
    path.unlink()
    with pytest.raises(DataError, match="damaged"):
        opened_at = BytesColumn(path, "my.image", 1, column.ends)
        opened_at.get(0)
