from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freshset.core.config import RunSettings
from freshset.core.errors import DataError
from freshset.core.records import TestSet
from freshset.engine.backends.local import LocalBackend
from freshset.engine.works import Place, WorkReport, run_works
from freshset.store.works import Work, Works
from freshset.transfer.features import own as module
from freshset.transfer.features.own import OwnFeatures

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


def run(store: Path, *items: OwnFeatures) -> WorkReport[None]:
    return run_works(items, Place(store, LocalBackend(RunSettings()), None))


def imported(store: Path, path: Path) -> Work:
    item = OwnFeatures.of("mine", ITEMS, path)
    assert run(store, item).complete
    work = Works(store).get(item.spec)
    assert work is not None
    return work


def test_a_file_becomes_features_in_the_order_of_the_items(tmp_path: Path, file: Path) -> None:
    work = imported(tmp_path / "store", file)
    found = work.array("features")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VALUES.astype(np.float32))
    assert (work.document["rows"], work.document["width"]) == (N, 4)
    assert work.document["file"] == "mine.npz"
    assert work.document["images_per_second"] is None
    assert Works(tmp_path / "store").damaged() == ()


def test_an_array_without_ids_is_in_the_order_of_the_items(tmp_path: Path) -> None:
    np.save(tmp_path / "half.npy", VALUES.astype(np.float16))
    found = imported(tmp_path / "store", tmp_path / "half.npy").array("features")
    assert found.dtype == np.float16  # small numbers stay small
    np.testing.assert_array_equal(found, VALUES.astype(np.float16))


def test_again_does_nothing(tmp_path: Path, file: Path) -> None:
    item = OwnFeatures.of("mine", ITEMS, file)
    assert run(tmp_path / "store", item).made == [item]
    assert run(tmp_path / "store", item).made == []
    assert (item.title, item.images) == ("features of mine on mine/train", 0)


def test_model_items_and_bytes_are_its_identity(tmp_path: Path, file: Path) -> None:
    other_file = tmp_path / "other.npz"
    np.savez(other_file, features=VALUES + 1, item_id=IDS.astype(str))
    first, *others = (
        OwnFeatures.of("mine", ITEMS, file).spec,
        OwnFeatures.of("yours", ITEMS, file).spec,
        OwnFeatures.of("mine", replace(ITEMS, id="mine/test"), file).spec,
        OwnFeatures.of("mine", ITEMS, other_file).spec,
    )
    assert len({first.identity, *(other.identity for other in others)}) == 4
    moved = file.rename(tmp_path / "moved.npz")
    assert OwnFeatures.of("mine", ITEMS, moved, "a shard").spec == first


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_bad_numbers_are_told(value: float, tmp_path: Path) -> None:
    bad = VALUES.copy()
    bad[7, 2] = value
    np.save(tmp_path / "bad.npy", bad)
    item = OwnFeatures.of("mine", ITEMS, tmp_path / "bad.npy")
    (failure,) = run(tmp_path / "store", item).failures
    assert "NaN or infinite at row 7 of mine/train" in failure.error
    assert not Works(tmp_path / "store").has(item.spec)


def test_a_file_that_does_not_fit_or_changes_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        OwnFeatures.of("mine", ITEMS, tmp_path / "none.npz")
    np.save(tmp_path / "a.npy", VALUES[:9])
    changes = OwnFeatures.of("mine", ITEMS, tmp_path / "a.npy")
    assert "9 rows for 10 items" in run(tmp_path / "store", changes).failures[0].error
    np.save(tmp_path / "a.npy", VALUES)
    assert "changed since" in run(tmp_path / "store", changes).failures[0].error
