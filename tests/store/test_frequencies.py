from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freshset.core.errors import DataError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.store.frequencies import read_frequencies, write_frequencies

HEAD = "item_id,class,selected,answers\n"


def made(*rows: tuple[str, str, float, float]) -> Frequencies:
    columns = list(zip(*rows, strict=True))
    ids, classes = (np.array(column, dtype=object) for column in columns[:2])
    return Frequencies(ids, classes, *(np.array(column, dtype=float) for column in columns[2:]))


def same(a: Frequencies, b: Frequencies) -> None:
    for name in ("item_ids", "class_keys", "selected", "answers"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_written_is_read(tmp_path: Path, kind: str) -> None:
    table = made(("007", "NA", 3, 10), ("007", "cat", 0, 0), ("b", 'a "b", c', 2.5, 5))
    write_frequencies(tmp_path / f"f.{kind}", table)
    got = read_frequencies(tmp_path / f"f.{kind}")
    same(got, table)
    assert np.isnan(got.value[1])


def test_whole_counts_are_written_as_whole_numbers(tmp_path: Path) -> None:
    write_frequencies(tmp_path / "f.csv", made(("a", "cat", 3, 10)))
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == HEAD + "a,cat,3,10\n"


def test_a_parquet_file_names_its_schema(tmp_path: Path) -> None:
    write_frequencies(tmp_path / "f.parquet", made(("a", "cat", 3, 10)))
    metadata = pq.read_schema(tmp_path / "f.parquet").metadata
    assert metadata[b"schema"] == b"freshset.frequencies/1"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.dictionaries(
        st.tuples(st.text(min_size=1), st.text(min_size=1)),
        st.tuples(st.floats(0, 1), st.integers(0, 1_000)),
        min_size=1,
        max_size=8,
    )
)
def test_any_names_and_counts_survive_parquet(
    tmp_path: Path, table: dict[tuple[str, str], tuple[float, int]]
) -> None:
    rows = [(*key, share * n, n) for key, (share, n) in table.items()]
    write_frequencies(tmp_path / "f.parquet", made(*rows))
    same(read_frequencies(tmp_path / "f.parquet"), made(*rows))


def test_other_columns_and_numbers_as_text_in_parquet_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"answers": ["5"], "selected": [1], "class": [3], "item_id": ["x"], "z": [0]}
    )
    frame.to_parquet(tmp_path / "f.parquet")
    same(read_frequencies(tmp_path / "f.parquet"), made(("x", "3", 1, 5)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item_id,class,selected\na,b,1\n", "no column 'answers'"),
        (HEAD, "no rows"),
        ("", "cannot be read as csv"),
        (HEAD + "a,b,3,2\n", "row 0: 3 of 2 answers"),
        (HEAD + "a,b,1,2\na,b,-1,2\n", "row 1: -1 of 2 answers"),
        (HEAD + "a,b,1,2\na,b,1,3\n", "row 1: 'a' for 'b' occurs twice"),
        (HEAD + ",b,1,2\n", "row 0: 'item_id' is empty"),
        (HEAD + "a,,1,2\n", "row 0: 'class' is empty"),
        (HEAD + "a,b,,2\n", "row 0: 'selected' is '', no number"),
        (HEAD + "a,b,1,inf\n", "row 0: 'answers' is 'inf', no number"),
        (HEAD + "a,b,1\n", "row 0: 'answers' is '', no number"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_frequencies(tmp_path / "f.csv")


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    write_frequencies(path, made(("a", "cat", 3, 10)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="may be truncated"):
        read_frequencies(path)


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown kind of file"):
        read_frequencies(tmp_path / "f.json")
    with pytest.raises(UsageError, match="unknown kind of file"):
        write_frequencies(tmp_path / "f.xlsx", made(("a", "cat", 3, 10)))
