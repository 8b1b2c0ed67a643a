from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError, StoreError
from freshset.core.records import TestSet
from freshset.store.works import Works
from freshset.transfer.features import own as module
from freshset.transfer.features.own import import_features

N = 10
IDS = np.array([f"i{row}" for row in range(N)], dtype=object)
ITEMS = TestSet("mine/train", N, 3, item_ids=IDS, labels=np.arange(N, dtype=np.int32) % 3)
VALUES = np.random.default_rng(0).normal(size=(N, 4))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "mine.npz", features=VALUES[::-1], item_id=IDS[::-1].astype(str))
    return tmp_path / "mine.npz"


def test_a_file_becomes_features_in_the_order_of_the_items(tmp_path: Path, file: Path) -> None:
    work = import_features(tmp_path / "store", "mine", ITEMS, file)
    found = work.array("features")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VALUES.astype(np.float32))
    assert (work.document["rows"], work.document["width"]) == (N, 4)
    assert work.document["file"] == "mine.npz"
    assert work.document["images_per_second"] is None
    assert Works(tmp_path / "store").damaged() == ()


def test_again_does_nothing(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = import_features(tmp_path / "store", "mine", ITEMS, file)
    monkeypatch.setattr("freshset.store.array_file.ArrayFile.append", None)
    assert import_features(tmp_path / "store", "mine", ITEMS, file) == work


def test_small_numbers_stay_small(tmp_path: Path) -> None:
    np.save(tmp_path / "half.npy", VALUES.astype(np.float16))
    work = import_features(tmp_path / "store", "mine", ITEMS, tmp_path / "half.npy")
    assert work.array("features").dtype == np.float16


def test_model_items_and_bytes_are_its_identity(tmp_path: Path, file: Path) -> None:
    other_file = tmp_path / "other.npz"
    np.savez(other_file, features=VALUES + 1, item_id=IDS.astype(str))
    others = [
        import_features(tmp_path / "store", model, items, path).spec
        for model, items, path in (
            ("mine", ITEMS, file),
            ("yours", ITEMS, file),
            ("mine", replace(ITEMS, id="mine/test"), file),
            ("mine", ITEMS, other_file),
        )
    ]
    assert len({spec.identity for spec in others}) == 4
    moved = file.rename(tmp_path / "moved.npz")
    assert import_features(tmp_path / "store", "mine", ITEMS, moved).spec == others[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_bad_numbers_are_told(value: float, tmp_path: Path) -> None:
    bad = VALUES.copy()
    bad[7, 2] = value
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(DataError, match="NaN or infinite at row 7 of mine/train"):
        import_features(tmp_path / "store", "mine", ITEMS, tmp_path / "bad.npy")
    assert list(Works(tmp_path / "store").all("features")) == []


def test_one_process_at_a_time(tmp_path: Path, file: Path) -> None:
    spec = import_features(tmp_path / "other", "mine", ITEMS, file).spec
    claim = Works(tmp_path / "store").claim(spec)
    assert claim is not None
    with claim, pytest.raises(StoreError, match="Another process imports the features of mine"):
        import_features(tmp_path / "store", "mine", ITEMS, file)
