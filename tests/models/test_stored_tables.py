from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from freshset.core.errors import DataError
from freshset.models.stored_tables import open_table

MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)
IDS = ["007", "b", "c"]


def written(path: Path) -> Path:
    if path.suffix == ".npz":
        np.savez(path, item_id=np.array(IDS), scores=MATRIX)
    elif path.suffix == ".parquet":
        fixed = pa.FixedSizeListArray.from_arrays(pa.array(MATRIX.ravel()), 2)
        pq.write_table(
            pa.table({"item_id": IDS, "scores": pa.array(MATRIX.tolist()), "fixed": fixed}), path
        )
    elif path.suffix == ".npy":
        np.save(path, MATRIX)
    else:
        pd.DataFrame({"item_id": IDS, "pred": [1, 2, 3]}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".npy"])
def test_matrices_come_back(tmp_path: Path, suffix: str) -> None:
    table = open_table(written(tmp_path / f"p{suffix}"))
    assert "scores" in table.names
    for name in set(table.names) & {"scores", "fixed"}:
        np.testing.assert_array_equal(table.column(name), MATRIX)


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".csv"])
def test_ids_stay_as_they_are_written(tmp_path: Path, suffix: str) -> None:
    table = open_table(written(tmp_path / f"p{suffix}"))
    assert table.ids("item_id") == IDS


def test_a_column_of_numbers_of_a_csv_is_one(tmp_path: Path) -> None:
    table = open_table(written(tmp_path / "p.csv"))
    assert table.names == ("item_id", "pred")
    assert table.column("pred").tolist() == [1, 2, 3]
    assert table.column("pred").dtype == np.int64


def test_a_vector_of_npy_is_a_prediction(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([2, 0]))
    table = open_table(tmp_path / "p.npy")
    assert table.names == ("prediction",)
    assert table.column("prediction").tolist() == [2, 0]
    assert table.ids("prediction") == ["2", "0"]


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".npy", ".csv"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"p{suffix}")
    path.write_bytes(b"" if suffix == ".csv" else path.read_bytes()[:-60])
    with pytest.raises(DataError, match="cannot be read; it may be cut short"):
        open_table(path).column("scores")


def test_python_objects_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", scores=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="scores holds Python objects"):
        open_table(tmp_path / "p.npz").column("scores")
    np.save(tmp_path / "p.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="cannot be read"):
        open_table(tmp_path / "p.npy")


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown kind of file. Use one of: .parquet, .csv"):
        open_table(tmp_path / "p.xlsx")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1.0], [1.0, 2.0]], "row 1: 2 values in scores, not 1"),
        ([[1.0], None], "scores has empty cells"),
        ([[1.0], [None]], "scores has empty cells"),
        ([1.0, None], "scores has 1 empty cells"),
    ],
)
def test_gaps_are_refused(tmp_path: Path, column: list[Any], message: str) -> None:
    pq.write_table(pa.table({"scores": pa.array(column)}), tmp_path / "p.parquet")
    with pytest.raises(DataError, match=message):
        open_table(tmp_path / "p.parquet").column("scores")


def test_empty_cells_of_a_csv_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("item_id,pred\na,1\nb,\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 1: pred is empty"):
        open_table(tmp_path / "p.csv").column("pred")


def test_a_class_may_be_called_na(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("item_id,pred\nNA,NA\nb,None\n", encoding="utf-8")
    table = open_table(tmp_path / "p.csv")
    assert table.column("pred").tolist() == ["NA", "None"]
    assert table.ids("item_id") == ["NA", "b"]


def test_categories_are_their_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"item_id": pd.Categorical(IDS), "n": pd.Categorical([7, 8, 7])})
    frame.to_parquet(tmp_path / "p.parquet")
    table = open_table(tmp_path / "p.parquet")
    assert table.ids("item_id") == IDS
    assert table.column("n").tolist() == [7, 8, 7]
