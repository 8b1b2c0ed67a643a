"""VOC in its own layout; labels against the annotations that torchvision reads from the same folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.transfer_sets import Objects, write_voc
from torchvision.datasets import VOCDetection

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import ShowsSeveral, TestSetRef
from freshset.datasets.voc import ADAPTER, CLASSES

OBJECTS: Objects = {
    "000001": [("dog", False), ("person", False), ("person", True)],
    "000007": [("person", True), ("car", False)],
    "000009": [("sheep", True)],
}


def make_voc(root: Path, split: str) -> TestSetRef:
    folder = root / "VOCdevkit" / "VOC2007"
    write_voc(folder, OBJECTS, split)
    return TestSetRef("voc/test", "voc", str(folder), {"split": split})


def test_what_images_show_agrees_with_their_annotations(tmp_path: Path) -> None:
    reader = ADAPTER.open(make_voc(tmp_path, "test"))
    assert isinstance(reader, ShowsSeveral)
    accepted, ignored = reader.testset.accepted, reader.ignored
    assert accepted is not None
    peer = VOCDetection(str(tmp_path), year="2007", image_set="test")
    assert len(peer) == reader.testset.n
    for row in range(len(peer)):
        image, notes = peer[row]
        assert np.array_equal(np.asarray(image), np.asarray(reader.read(row)))
        found = notes["annotation"]["object"]
        easy = {one["name"] for one in found if one["difficult"] == "0"}
        every = {one["name"] for one in found}
        mine = accepted[row : row + 1].classes
        assert {CLASSES[c] for c in mine} == easy
        assert {CLASSES[c] for c in ignored[row : row + 1].classes} == every - easy
    labels = [CLASSES[label] for label in reader.testset.known_labels]
    assert labels == ["dog", "car", "sheep"]
    assert reader.testset.ids.tolist() == list(OBJECTS)


def test_lists_that_are_not_there_or_damaged(tmp_path: Path) -> None:
    given = make_voc(tmp_path, "val")
    sets = Path(given.path) / "ImageSets" / "Main"
    with pytest.raises(UsageError, match="There is no file .*test.txt") as caught:
        ADAPTER.open(TestSetRef("voc/test", "voc", given.path))
    assert "VOCdevkit/VOC2007" in caught.value.hint
    with pytest.raises(UsageError, match="split is 'vall'"):
        ADAPTER.open(TestSetRef("voc/test", "voc", given.path, {"split": "vall"}))
    cow = (sets / "cow_val.txt").read_text()
    for text, said in (
        (cow.replace("-1", " 2"), "'2' is not -1, 0 or 1"),
        (cow.replace("000007", "000008"), "lists other images than the split"),
        (cow + "x\n", "line 4: 'x' has not 2 columns"),
    ):
        (sets / "cow_val.txt").write_text(text)
        with pytest.raises(DataError, match=said):
            ADAPTER.open(given)
    (sets / "cow_val.txt").write_text(cow)
    (sets / "sheep_val.txt").write_text(cow)
    with pytest.raises(DataError, match="000009 shows none of the classes"):
        ADAPTER.open(given)
    Path(given.path, "JPEGImages", "000009.jpg").unlink()
    (sets / "sheep_val.txt").write_text(cow.replace("000009 -1", "000009  1"))
    with pytest.raises(DataError, match="000009.jpg cannot be read"):
        ADAPTER.open(given)
