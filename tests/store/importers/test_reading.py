from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.store.importers.reading import LABEL_NAMES, PREDICTION_NAMES, read_columns


def test_imagenetx_columns(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("file_name,predicted_class,predicted_probability\na.jpg,3,0.9\nb.jpg,1,0.4\n")
    (column,) = read_columns(path, PREDICTION_NAMES)
    assert column.values.tolist() == [3, 1]
    assert column.ids is not None
    assert column.ids.tolist() == ["a.jpg", "b.jpg"]


def test_names_are_found_whatever_their_case(tmp_path: Path) -> None:
    pd.DataFrame({"ID": ["a"], "Label": [1]}).to_csv(tmp_path / "l.csv", index=False)
    (column,) = read_columns(tmp_path / "l.csv", LABEL_NAMES)
    assert column.values.tolist() == [1]
    assert column.ids is not None


def test_one_unnamed_array_in_an_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", whatever=np.arange(3))
    np.savez(tmp_path / "b.npz", x=np.arange(3), y=np.arange(3), z=np.arange(3))
    assert read_columns(tmp_path / "a.npz", PREDICTION_NAMES)[0].values.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="no array 'prediction'; it has x, y, z"):
        read_columns(tmp_path / "b.npz", PREDICTION_NAMES)


def test_lists_of_unlike_length(tmp_path: Path) -> None:
    pd.DataFrame({"topk_id": [[1, 2], [3]]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 1: 1 values, not 2"):
        read_columns(tmp_path / "a.parquet", PREDICTION_NAMES)
