from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import make_archive, snapshot

from freshset.core.errors import DataError, UsageError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


def test_sets_aliases_and_accuracies(archive: Path, tmp_path: Path) -> None:
    report = import_results("imagenetv2", archive, tmp_path / "s")
    assert report.testsets == ["imagenet/val", "imagenetv2/matched-frequency"]
    assert report.aliases == ["imagenetv2-b-33/m3_model -> m3"]
    store = ParquetStore(tmp_path / "s")
    assert [c.spec.model for c in store.cells("imagenetv2/matched-frequency")] == [
        "m0",
        "m1",
        "m2",
        "m3",
    ]
    raw = np.load(archive / "predictions" / "imagenetv2-b-33" / "m1.npy")
    rows = json.loads((archive / "datasets" / "imagenetv2-b-33.json").read_text())[
        "image_filenames"
    ]
    labels = np.array([int(wnid[1:]) - 1 for _, wnid in rows])
    cell = store.cells("imagenetv2/matched-frequency")[1]
    assert cell.correct == {
        "top1": float((raw[:, 0] == labels).sum()),
        "top5": float((raw == labels[:, None]).any(axis=1).sum()),
    }
    assert cell.source.alias == ""
    assert store.cells("imagenetv2/matched-frequency")[3].source.alias == "m3_model"


def test_int16_and_int64_are_the_same_predictions(archive: Path, tmp_path: Path) -> None:
    import_results("imagenetv2", archive, tmp_path / "a")
    for file in archive.rglob("*.npy"):
        np.save(file, np.load(file).astype(np.int64))
    import_results("imagenetv2", archive, tmp_path / "b")
    one, two = (ParquetStore(tmp_path / name).cells() for name in "ab")
    assert [c.spec.identity for c in one] == [c.spec.identity for c in two]


def test_one_set_by_alias(archive: Path, tmp_path: Path) -> None:
    report = import_results("imagenetv2", archive, tmp_path / "s", testset=("imagenetv2-b-33",))
    assert report.testsets == ["imagenetv2/matched-frequency"]
    with pytest.raises(DataError, match="no predictions on 'imagenetv2/top-images'"):
        import_results("imagenetv2", archive, tmp_path / "s", testset=("imagenetv2-c-12",))


def test_repair_reorders_only_what_is_worst_first_and_records_it(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive", worst_first=True)
    plain = import_results("imagenetv2", archive, tmp_path / "s")
    assert plain.repaired == []
    bad = ParquetStore(tmp_path / "s").cells("imagenetv2/matched-frequency")[0]
    report = import_results("imagenetv2", archive, tmp_path / "s", repair="worst-first")
    assert report.repaired == ["m0 on imagenetv2/matched-frequency"]
    assert report.written == report.repaired
    good = ParquetStore(tmp_path / "s").cells("imagenetv2/matched-frequency")[0]
    assert (bad.spec.repair, good.spec.repair) == ("none", "worst-first")
    assert good.correct["top1"] > 30 > bad.correct["top1"]
    assert good.correct["top5"] == bad.correct["top5"]
    with pytest.raises(UsageError, match="No repair 'magic'"):
        import_results("imagenetv2", archive, tmp_path / "s", repair="magic")


def test_classes_come_from_the_class_list_when_there_is_one(archive: Path, tmp_path: Path) -> None:
    (archive / "metadata").mkdir()
    order = [{"wnid": f"n0{7 - i}", "cid": i} for i in range(1, 7)]
    order.append({"wnid": "n99", "cid": 0})
    (archive / "metadata" / "class_info.json").write_text(json.dumps(order))
    import_results("imagenetv2", archive, tmp_path / "s")
    testset = ParquetStore(tmp_path / "s").testset("imagenet/val")
    assert testset.n_classes == 7
    assert testset.class_names[1] == "n06"


def _damage(archive: Path, array: np.ndarray) -> None:
    np.save(archive / "predictions" / "imagenetv2-b-33" / "m1.npy", array)


def _good(archive: Path) -> np.ndarray:
    return np.load(archive / "predictions" / "imagenetv2-b-33" / "m1.npy").copy()


def _outside(archive: Path) -> None:
    array = _good(archive)
    array[17, 2] = 6
    _damage(archive, array)


def _twice(archive: Path) -> None:
    array = _good(archive)
    array[3, 4] = array[3, 0]
    _damage(archive, array)


def _nan(archive: Path) -> None:
    array = _good(archive).astype(float)
    array[5, 0] = np.nan
    _damage(archive, array)


def _truncated(archive: Path) -> None:
    path = archive / "predictions" / "imagenetv2-b-33" / "m1.npy"
    path.write_bytes(path.read_bytes()[:-40])


def _pickle(archive: Path) -> None:
    _damage(archive, np.array([{"a": 1}], dtype=object))


def _no_dataset(archive: Path) -> None:
    (archive / "datasets" / "imagenetv2-b-33.json").unlink()


def _odd_dataset(archive: Path) -> None:
    (archive / "datasets" / "imagenetv2-b-33.json").write_text('{"images": []}')


def _no_rows(archive: Path) -> None:
    (archive / "datasets" / "imagenetv2-b-33.json").write_text('{"image_filenames": []}')


def _same_id(archive: Path) -> None:
    path = archive / "datasets" / "imagenetv2-b-33.json"
    data = json.loads(path.read_text())
    data["image_filenames"][9][0] = data["image_filenames"][4][0]
    path.write_text(json.dumps(data))


def _no_files(archive: Path) -> None:
    for path in (archive / "predictions" / "imagenetv2-b-33").iterdir():
        path.unlink()


BAD = [
    (lambda a: _damage(a, _good(a)[:-1]), r"m1\.npy: 39 predictions for the 40 items"),
    (_outside, r"m1\.npy: row 17: class id 6 is outside the class space 0\.\.5"),
    (_twice, r"m1\.npy: row 3: the same class occurs twice among its top 5"),
    (_nan, r"m1\.npy: row 5: NaN instead of a class id"),
    (lambda a: _damage(a, _good(a) * 1.0), r"m1\.npy: row 0: .* is a float, not a class id"),
    (lambda a: _damage(a, np.zeros((0, 5), int)), r"m1\.npy: no predictions"),
    (lambda a: _damage(a, np.zeros((40, 5, 2), int)), r"m1\.npy: an array of shape"),
    (lambda a: _damage(a, np.array(["x"] * 40)), r"m1\.npy: holds .* values, not class ids"),
    (_truncated, r"m1\.npy: not a whole \.npy file"),
    (_pickle, r"m1\.npy: holds Python objects"),
    (_no_dataset, r"imagenetv2-b-33\.json: missing"),
    (_odd_dataset, r"imagenetv2-b-33\.json: no list of \[file name, wnid\]"),
    (_no_rows, r"imagenetv2-b-33\.json: no items"),
    (_same_id, r"imagenetv2-b-33\.json: row 9: the id .* occurs twice"),
    (_no_files, r"imagenetv2-b-33: no \.npy files"),
]


@pytest.mark.parametrize(("damage", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_bad_input_is_named_and_changes_nothing(
    archive: Path, tmp_path: Path, damage: object, message: str
) -> None:
    store = tmp_path / "s"
    import_results("imagenetv2", archive, store, testset=("imagenet/val",))
    before = snapshot(store)
    damage(archive)
    with pytest.raises(DataError, match=message):
        import_results("imagenetv2", archive, store)
    assert snapshot(store) == before


def test_a_folder_that_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no predictions/<set>/ folders"):
        import_results("imagenetv2", tmp_path, tmp_path / "s")
