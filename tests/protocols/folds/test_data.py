from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from freshset.core.errors import DataError
from freshset.protocols.folds.data import Data, read_data


def test_arrays(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, x=np.eye(3), y=[0, 1, 1], groups=["a", "a", "b"])
    data = read_data(path)
    assert (len(data), data.name) == (3, "d.npz")
    assert data.groups is not None
    assert data.groups.tolist() == ["a", "a", "b"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"label": ["cat", "dog"], "a": [1.5, 2], "b": [3, 4], "writer": [7, 8]})
    path = tmp_path / f"d.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    data = read_data(path)
    assert data.x.tolist() == [[1.5, 3], [2, 4]]
    assert data.y.tolist() == ["cat", "dog"]
    assert data.groups is not None
    assert data.groups.tolist() == ["7", "8"]


def test_whole_numbers_are_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x1,y\n0.5,3\n0.1,2\n")
    assert read_data(path).y.tolist() == [3, 2]


def test_bad_files(tmp_path: Path) -> None:
    def said(name: str, text: str = "") -> str:
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(DataError) as error:
            read_data(path)
        return str(error.value)

    with pytest.raises(DataError, match="no such file"):
        read_data(tmp_path / "none.npz")
    assert "unknown kind" in said("d.txt")
    assert "not a whole .npz" in said("d.npz")
    assert "no column of labels; it has a, b" in said("d.csv", "a,b\n1,2\n")
    assert "a feature is no number" in said("e.csv", "a,label\nred,2\n")
    assert "row 1: 'label' is empty" in said("h.csv", "a,label\n1,x\n2,\n")
    assert "row 0: 'group' is empty" in said("i.csv", "a,label,group\n1,x,\n2,x,g\n")
    assert "no features" in said("f.csv", "label\n2\n")
    np.savez(tmp_path / "g.npz", x=np.eye(2), z=[1, 2])
    with pytest.raises(DataError, match="it has x, z"):
        read_data(tmp_path / "g.npz")


@pytest.mark.parametrize(
    "x", [np.eye(4), pd.DataFrame(np.eye(4)), sparse.csr_matrix(np.eye(4)), list("abcd")]
)
def test_rows_of_all_kinds(x: object) -> None:
    data = Data(x, np.arange(4))
    data.check()
    rows = data.rows(np.array([2, 0]))
    assert (rows.shape[0] if hasattr(rows, "shape") else len(rows)) == 2
    if isinstance(x, list):
        assert rows == ["c", "a"]
    assert data.digest == Data(x, np.arange(4), name="other").digest
    assert data.digest != Data(x, np.arange(1, 5)).digest


def test_lengths_must_agree() -> None:
    with pytest.raises(DataError, match="3 labels for 4 examples"):
        Data(np.eye(4), np.arange(3)).check()
    with pytest.raises(DataError, match="2 groups for 4"):
        Data(np.eye(4), np.arange(4), np.arange(2)).check()
    with pytest.raises(DataError, match="no examples"):
        Data(np.eye(0), np.arange(0)).check()
