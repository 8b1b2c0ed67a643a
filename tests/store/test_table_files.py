from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.store.table_files import numbers, read_table, table_kind, texts, write_table


def test_text_stays_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.CSV"
    path.write_text("id,x\n007,NA\n1.0,\n", encoding="utf-8")
    frame = read_table(path)
    assert frame.to_numpy().tolist() == [["007", "NA"], ["1.0", ""]]
    assert texts(frame["id"], path).tolist() == ["007", "1.0"]
    assert numbers(frame["id"], path).tolist() == [7, 1]


@pytest.mark.parametrize("value", ["", None, float("nan")])
def test_what_is_empty_is_named(value: object) -> None:
    with pytest.raises(DataError, match="f: row 1: 'x' is empty"):
        texts(pd.Series(["a", value], dtype=object, name="x"), Path("f"))


@pytest.mark.parametrize("value", ["", "many", "inf", "nan"])
def test_what_is_no_number_is_named(value: str) -> None:
    with pytest.raises(DataError, match=f"f: row 1: 'x' is '{value}', no number"):
        numbers(pd.Series(["1", value], name="x"), Path("f"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_written_is_read(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"id": ["007", 'a "b", c'], "x": [0.5, 1.0]})
    write_table(tmp_path / f"a.{kind}", frame)
    got = read_table(tmp_path / f"a.{kind}")
    assert got["id"].tolist() == frame["id"].tolist()
    assert numbers(got["x"], tmp_path).tolist() == [0.5, 1.0]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    for name in ("a.parquet", "none.parquet"):
        with pytest.raises(DataError, match="not a readable Parquet"):
            read_table(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read as csv"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(UsageError, match=r"unknown kind of file. Use one of: .csv, .parquet"):
        table_kind(Path("a.xlsx"))
