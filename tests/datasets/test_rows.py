from __future__ import annotations

import json
import pickle
from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.datasets.rows import columns_of, scan

TEXTS = ["plain", 'a "quoted", one', "two\nlines", "naïve 数据 🎈", "x" * 5000, "last"]


def write(path: Path, texts: list[str] = TEXTS) -> Path:
    frame = pd.DataFrame({"n": range(len(texts)), "text": texts})
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            lines = [json.dumps(row, ensure_ascii=False) for row in frame.to_dict("records")]
            path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
        case ".parquet":
            # Several row groups, so that rows are found across them.
            frame.to_parquet(path, row_group_size=4)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_any_row_in_any_order_also_in_another_process(tmp_path: Path, suffix: str) -> None:
    rows, others = scan(write(tmp_path / f"t{suffix}"), "text", ("n",))
    copy = pickle.loads(pickle.dumps(rows))
    assert len(copy) == len(TEXTS)
    assert [copy.text(row) for row in reversed(range(len(TEXTS)))] == TEXTS[::-1]
    assert list(map(int, others["n"])) == list(range(len(TEXTS)))
    assert rows.names == ("n", "text")
    for row in (-1, len(TEXTS)):
        with pytest.raises(IndexError):
            copy.text(row)


def test_rows_hold_no_texts(tmp_path: Path) -> None:
    rows, _ = scan(write(tmp_path / "t.jsonl", ["y" * 10_000] * 50), "text", ())
    assert len(pickle.dumps(rows)) < 2_000


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_byte_order_mark_and_windows_lines_are_no_text(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"t{suffix}", ["one", "two"])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    rows, _ = scan(path, "text", ())
    assert [rows.text(0), rows.text(1)] == ["one", "two"]
    assert columns_of(path) == ("n", "text")


def test_quotes_in_a_tsv_are_characters(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text('text\tlabel\n"never closed\t1\nsay "it"\t0\n', encoding="utf-8")
    rows, others = scan(path, "text", ("label",))
    assert [rows.text(0), rows.text(1)] == ['"never closed', 'say "it"']
    assert others["label"] == ["1", "0"]


def test_a_file_that_changes_is_not_read_on(tmp_path: Path) -> None:
    for suffix in (".csv", ".jsonl", ".parquet"):
        path = write(tmp_path / f"t{suffix}")
        rows, _ = scan(path, "text", ())
        write(path, ["shorter"])
        with pytest.raises(DataError, match="has changed since it was opened"):
            rows.text(1)
        path.unlink()
        with pytest.raises(DataError, match="has changed"):
            rows.text(1)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "text,n\na,1\n,2\n", "row 1: no text in 'text'"),
        ("t.csv", "text,n\na,1\n  ,2\n", "row 1: no text in 'text'"),
        ("t.csv", "text,n\na,1,2\n", "byte 7: 3 fields in a row of 2 columns"),
        ("t.csv", "text,text\na,1\n", "two columns are called 'text'"),
        ("t.csv", "texts,n\na,1\n", "no column 'text'"),
        ("t.csv", "text,n\n", "no rows"),
        ("t.csv", "", "no column 'text'"),
        ("t.csv", 'text,n\n"open,1\n', "byte 7: not csv"),
        ("t.csv", "text,n\n" + "x" * 140_000 + ",1\n", "field larger than field limit"),
        ("t.jsonl", '{"text": "a"}\n{"text": 5}\n', "row 1: 5, not a text"),
        ("t.jsonl", '{"text": "a"}\n{"n": 5}\n', "row 1: no text"),
        ("t.jsonl", '{"text": "a"}\n["b"]\n', "byte 14: not an object"),
        ("t.jsonl", '{"text": "a"}\n{"text":\n', "byte 14: not JSON"),
        ("t.jsonl", '{"text": "a"}\n{"text": null}\n', "row 1: no text"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        scan(path, "text", ())


def test_bad_bytes_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"text,n\nfa\xe7ade,1\n")
    with pytest.raises(DataError, match="byte 9: not UTF-8"):
        scan(tmp_path / "t.csv", "text", ())
    path = write(tmp_path / "t.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        scan(path, "text", ())
    with pytest.raises(UsageError, match="unknown kind of file"):
        scan(tmp_path / "t.xlsx", "text", ())
