from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    root = tmp_path / "archive"
    (root / "datasets").mkdir(parents=True)
    labels = {"original": rng.integers(0, 10, 30), "v4": rng.integers(0, 10, 21)}
    np.save(root / "datasets" / "cifar10.1_v4_labels.npy", labels["v4"].astype(np.int32))
    np.save(tmp_path / "original.npy", labels["original"].astype(np.uint16))
    for name, values in labels.items():
        place = root / "model_predictions" / f"{name}_predictions"
        place.mkdir(parents=True)
        (place / "right_predictions.json").write_text(json.dumps(values.tolist(), indent=1))
        (place / "wrong_predictions.json").write_text(json.dumps(((values + 1) % 10).tolist()))
    return root


def test_any_version_of_the_layout(folder: Path, tmp_path: Path) -> None:
    labels = {"cifar10/test": tmp_path / "original.npy"}
    report = import_results("cifar10.1", folder, tmp_path / "s", labels=labels)
    assert report.testsets == ["cifar10/test", "cifar10.1/v4"]
    cells = ParquetStore(tmp_path / "s").cells("cifar10.1/v4")
    assert [(c.spec.model, c.n, c.correct["top1"]) for c in cells] == [
        ("right", 21, 21),
        ("wrong", 21, 0),
    ]
    assert not ParquetStore(tmp_path / "s").testset("cifar10/test").ids_given


def test_labels_that_the_archive_lacks(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no labels for 'cifar10/test'.*--labels cifar10/test=FILE"
    ):
        import_results("cifar10.1", folder, tmp_path / "s")
    report = import_results("cifar10.1", folder, tmp_path / "s", testset=("cifar10.1/v4",))
    assert report.testsets == ["cifar10.1/v4"]
    with pytest.raises(DataError, match=r"no predictions on 'cifar10\.1/v6'"):
        import_results("cifar10.1", folder, tmp_path / "s", labels={"cifar10.1/v6": tmp_path})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[0, 1.5]", r"right_predictions\.json: row 1: 1\.5 is not a class id"),
        ("[0, 2.0]", r"right_predictions\.json: row 1: 2\.0 is not a class id"),
        ("[0, null]", "row 1: None is not a class id"),
        ("[true]", "row 0: True is not a class id"),
        ('{"a": 1}', "not a list of class ids"),
        ("[1, 2", "not valid JSON"),
        ("[]", "no predictions"),
        ("[1, 2, 3]", "3 predictions for the 21 items"),
        (json.dumps([10] * 21), r"row 0: class id 10 is outside the class space 0\.\.9"),
        (json.dumps([-1] * 21), "row 0: class id -1 is outside"),
    ],
)
def test_bad_lists(folder: Path, tmp_path: Path, text: str, message: str) -> None:
    (folder / "model_predictions" / "v4_predictions" / "right_predictions.json").write_text(text)
    with pytest.raises(DataError, match=message):
        import_results("cifar10.1", folder, tmp_path / "s", testset=("cifar10.1/v4",))
    assert not (tmp_path / "s").exists()


def test_a_folder_that_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no model_predictions"):
        import_results("cifar10.1", tmp_path, tmp_path / "s")
