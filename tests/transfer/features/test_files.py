from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.core.records import TestSet
from freshset.transfer.features.files import FeatureFile, read_features

IDS = [f"00{row}" for row in range(6)]
VALUES = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
ITEMS = TestSet("mine/train", 6, 3, item_ids=np.array(IDS, dtype=object))


def written(folder: Path, kind: str) -> Path:
    """The same features in a file of some kind, all but npy with ids."""
    path = folder / f"file.{kind.partition('-')[0]}"
    frame = pd.DataFrame(VALUES, columns=[f"f{i}" for i in range(4)])
    frame.insert(0, "item_id", IDS)
    if kind == "npy":
        np.save(path, VALUES)
    elif kind == "npz":
        np.savez(path, features=VALUES, item_id=np.array(IDS), label=np.zeros(6))
    elif kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path, index=False)
    else:
        lists = pd.DataFrame({"file_name": IDS, "embedding": list(VALUES), "label": 0})
        lists.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "parquet", "parquet-lists"])
def test_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    found = read_features(written(tmp_path, kind))
    np.testing.assert_allclose(found.matrix, VALUES, rtol=1e-6)
    assert found.ids == (None if kind == "npy" else tuple(IDS))
    assert found.rows_of(ITEMS, "file").tolist() == [0, 1, 2, 3, 4, 5]


def test_an_array_stays_on_the_disk(tmp_path: Path) -> None:
    base = read_features(written(tmp_path, "npy")).matrix.base
    assert isinstance(base, np.memmap)


def test_rows_are_found_by_their_ids() -> None:
    file = FeatureFile(VALUES, ("005", "000", "x", "004", "003", "002", "001"))
    assert file.rows_of(ITEMS, "file").tolist() == [1, 6, 5, 4, 3, 0]


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        (None, "5 rows for 6 items of mine/train"),
        (("000", "001", "002", "003", "001"), "rows 1 and 4 have one id, '001'"),
        (("000", "001", "9", "003", "004"), "2 of 6 items of mine/train are missing, the first"),
    ],
)
def test_rows_that_are_not_those_of_the_items(ids: tuple[str, ...] | None, text: str) -> None:
    with pytest.raises(DataError, match=text):
        FeatureFile(VALUES[:5], ids).rows_of(ITEMS, "file")


def saved(folder: Path, name: str, **arrays: Any) -> Path:
    np.savez(folder / name, **arrays)
    return folder / name


def table(folder: Path, **columns: Any) -> Path:
    path = folder / "table.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda f: f / "none.npy", "no such file"),
        (lambda f: f / "file.txt", "unknown kind of file"),
        (lambda f: saved(f, "a.npz", other=VALUES), "no array 'features'; it has other"),
        (lambda f: saved(f, "a.npz", features=VALUES[0]), "an array of float32 and shape"),
        (lambda f: saved(f, "a.npz", features=VALUES[:0]), "an array of float32 and shape"),
        (lambda f: saved(f, "a.npz", features=VALUES.astype(str)), "Features are numbers"),
        (lambda f: saved(f, "a.npz", features=VALUES, id=IDS[:2]), "6 rows, but 2 ids"),
        (lambda f: table(f, f0=[1.0], label=[1]), "the column 'label' looks like labels"),
        (lambda f: table(f, f0=[1.0], name=["cat"]), "the column 'name' holds no numbers"),
        (lambda f: table(f, features=[[1.0], [1.0, 2.0]]), "rows of several lengths"),
    ],
)
def test_what_is_no_file_of_features(make: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=text):
        read_features(make(tmp_path))


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "parquet"])
def test_damaged_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"file.{kind}"
    path.write_bytes(b"\x00nothing")
    with pytest.raises(DataError, match=r"file\."):
        read_features(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "file.npy"
    np.save(path, np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects"):
        read_features(path)
