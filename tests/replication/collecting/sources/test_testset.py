from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from fakes.class_folders import make_folder, picture_bytes
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.testset import TestSetSource
from freshset.replication.spec import ClassSpec


def arrays(folder: Path, images: np.ndarray, **more: object) -> TestSetSource:
    path = folder / "digits.npz"
    np.savez(path, images=images, labels=np.array([1, 0, 1]))
    return TestSetSource(
        adapter="arrays",
        path=str(path),
        label="original:test",
        settings={"classes": ["cat", "dog"]},
        **more,
    )


def test_files_keep_their_bytes_and_ids(tmp_path: Path, classes) -> None:
    make_folder(tmp_path, {"cat": [2, 1], "dog": [3]})
    source = TestSetSource(adapter="image-folder", path=str(tmp_path), label="original:test")
    assert source.name == "original:test"
    found = list(source.find(classes, None))
    assert [(one.key, one.class_key) for one in found] == [
        ("cat/001.png", "cat"),
        ("cat/002.png", "cat"),
        ("dog/003.png", "dog"),
    ]
    assert [one.read() for one in found] == [picture_bytes(n) for n in (1, 2, 3)]


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (3, 8, 8, 3)])
def test_arrays_become_files_without_loss(tmp_path: Path, classes, rng, shape) -> None:
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    cat, first, second = arrays(tmp_path, images).find(classes, None)
    assert [one.class_key for one in (cat, first, second)] == ["cat", "dog", "dog"]
    for one, row in ((cat, 1), (first, 0), (second, 2)):
        picture = np.asarray(Image.open(io.BytesIO(one.read())))
        expected = images[row] if shape[-1] == 3 else images[row].reshape(8, 8, 1).repeat(3, 2)
        np.testing.assert_array_equal(picture, expected)


def test_floats_are_no_pictures(tmp_path: Path, classes, rng) -> None:
    source = arrays(tmp_path, rng.random((3, 8, 8)))
    with pytest.raises(UsageError, match="uint8|images"):
        [one.read() for one in source.find(classes, None)]


def test_classes_beyond_the_spec(tmp_path: Path, classes) -> None:
    make_folder(tmp_path, {"cat": [1], "cow": [2]})
    given = {"adapter": "image-folder", "path": str(tmp_path), "label": "original:train"}
    with pytest.raises(DataError, match="no class 'cow'"):
        list(TestSetSource(**given).find(classes, None))
    found = list(TestSetSource(**given, every_class=True).find(classes, None))
    assert [one.class_key for one in found] == ["cat", "cow"]
    make_folder(tmp_path / "other", {"cow": [1], "pig": [2]})
    given["path"] = str(tmp_path / "other")
    with pytest.raises(DataError, match="no class 'cow'"):
        list(TestSetSource(**given, every_class=True).find(classes, None))


def test_keywords_are_a_stratum(tmp_path: Path, classes) -> None:
    make_folder(tmp_path, {"cat": [1]})
    (tmp_path / "list.csv").write_text(
        "path,label,breed\ncat/001.png,cat,tabby\n", encoding="utf-8"
    )
    given = {"adapter": "manifest", "path": str(tmp_path / "list.csv"), "label": "x"}
    (found,) = TestSetSource(**given, keyword="breed").find(classes, None)
    assert found.keyword == "tabby"
    with pytest.raises(UsageError, match="no stratum 'bred'. Did you mean 'breed'"):
        list(TestSetSource(**given, keyword="bred").find(classes, None))


def test_keywords_are_folders_in_a_folder(tmp_path: Path, classes) -> None:
    make_folder(tmp_path, {"cat": [1], "cat/tabby": [2], "cat/tabby/deep": [3], "dog/pug": [4]})
    source = TestSetSource(path=str(tmp_path), label="x")
    assert [(one.key, one.keyword) for one in source.find(classes, None)] == [
        ("cat/001.png", ""),
        ("cat/tabby/002.png", "tabby"),
        ("cat/tabby/deep/003.png", "tabby"),
        ("dog/pug/004.png", "pug"),
    ]


def test_texts_are_no_images(tmp_path: Path, classes) -> None:
    (tmp_path / "a.csv").write_text("text,label\nhello,cat\nbye,dog\n", encoding="utf-8")
    source = TestSetSource(adapter="text", path=str(tmp_path / "a.csv"), label="x")
    with pytest.raises(UsageError, match="not images with labels"):
        list(source.find(classes, None))


def test_the_catalogue_says_how_a_test_set_is_read(tmp_path: Path, rng) -> None:
    images = rng.integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "cifar10.1_v6_data.npy", images)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.repeat(np.arange(10, dtype=np.int32), 200))
    given = {"path": str(tmp_path), "label": "original:test"}
    spec = (ClassSpec(key="dog"), ClassSpec(key="cat"))
    # Not the published file, so its digest is taken away.
    source = TestSetSource(
        **given, known="cifar10.1/v6", settings={"sha256": None}, every_class=True
    )
    found = list(source.find(spec, None))
    assert len(found) == 2000
    assert [one.class_key for one in found[:401:200]] == ["dog", "cat", "airplane"]
    dog = np.asarray(Image.open(io.BytesIO(found[0].read())))
    np.testing.assert_array_equal(dog, images[5 * 200])
    assert "MIT" in found[0].licence
    with pytest.raises(UsageError, match="No built-in test set"):
        list(TestSetSource(**given, known="no-such/set").find(spec, None))
