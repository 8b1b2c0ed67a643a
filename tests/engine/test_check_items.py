from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import testbed
from PIL import Image

from freshset.core.classes import ClassSpace
from freshset.core.issues import Issue
from freshset.core.records import AcceptSets
from freshset.core.spaces import known_space
from freshset.datasets.base import Origin, Reader, TestSetRef
from freshset.datasets.registry import open_testset
from freshset.engine.check_items import check_items, read_all, spread

READER = testbed.TESTSETS.open(TestSetRef("mine/test", "fake", "", {"n": 20}))


def said(reader: Reader) -> list[tuple[str, str, str]]:
    return [(i.check, i.severity, i.message) for i in check_items(reader)]


def test_a_test_set_without_a_fault() -> None:
    assert said(READER) == []


def test_the_number_of_items() -> None:
    (issue,) = said(replace(READER, origin=Origin(expected_n=21)))
    assert issue[:2] == ("count", "fault")
    assert "20 items, where 21 are expected" in issue[2]
    known = replace(READER, testset=replace(READER.testset, id="cifar10/test"))
    assert "where 10,000 are expected" in said(known)[0][2]


def test_ids_that_occur_twice() -> None:
    ids = READER.testset.ids.copy()
    ids[4] = ids[3]
    (issue,) = said(replace(READER, testset=replace(READER.testset, item_ids=ids)))
    assert issue[:2] == ("ids", "fault")
    assert "row 4: the id 'item-3' occurs twice" in issue[2]


def test_labels() -> None:
    labels = np.zeros(20, dtype=np.int32)
    (issue,) = said(replace(READER, testset=replace(READER.testset, labels=labels)))
    assert issue == ("labels", "warning", "All 20 items are of the class 'a'. Check the labels.")
    labels = np.arange(20, dtype=np.int32) % 3
    testset = replace(READER.testset, labels=labels)
    (issue,) = said(replace(READER, testset=testset))
    assert issue == ("labels", "warning", "2 of 5 classes have no item: d, e")
    accepted = AcceptSets.of([[3, 4]] * 20)
    assert said(replace(READER, testset=replace(testset, accepted=accepted))) == []


def test_classes_in_the_order_of_texts() -> None:
    keys = tuple(sorted(map(str, range(12))))
    (issue,) = said(replace(READER, classes=ClassSpace("", keys)))
    assert issue[:2] == ("class-order", "fault")
    assert "(0, 1, 10, 11, ...)" in issue[2]
    assert said(replace(READER, classes=ClassSpace("", tuple(map(str, range(12)))))) == []


def test_known_classes_in_another_order() -> None:
    space = known_space("imagenet-1k")
    turned = ClassSpace("mine", space.keys[::-1])
    (issue,) = said(replace(READER, classes=turned))
    assert issue[:2] == ("class-order", "warning")
    assert "those of imagenet-1k in another order" in issue[2]
    assert said(replace(READER, classes=space)) == []


def read(reader: Reader, sample: int = 0, workers: int = 0) -> tuple[int, list[Issue]]:
    steps: list[int] = []
    count, issues = read_all(reader, sample, workers, 1 << 20, steps.append)
    assert sum(steps) == count
    return count, issues


def test_every_item_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(READER) == (20, [])
    count, (issue,) = read(replace(READER, bad_row=7))
    assert count == 20
    assert (issue.check, issue.severity) == ("decode", "fault")
    assert issue.message == "row 7 ('item-7'): row-7.png: not an image."

    def breaks(self: testbed.FakeReader, index: int) -> None:
        raise KeyError("x")

    monkeypatch.setattr(testbed.FakeReader, "read", breaks)
    assert [i.message for i in read(READER)[1]][19] == "row 19 ('item-19'): KeyError: 'x'"


def test_a_sample_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spread(10, 0) == spread(10, 99) == list(range(10))
    assert spread(10, 4) == [0, 3, 6, 9]
    count, (issue,) = read(replace(READER, bad_row=19), sample=3)
    assert count == 3
    assert issue.message.startswith("row 19 ")
    assert read(replace(READER, bad_row=18), sample=3) == (3, [])


def test_images_in_worker_processes(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "cat"
    folder.mkdir(parents=True)
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    for i in range(300):
        image.save(folder / f"{i:03d}.png")
    image.convert("CMYK").save(folder / "300-cmyk.jpg")
    exif = Image.Exif()
    exif[0x112] = 6
    image.save(folder / "301-turned.jpg", exif=exif)
    for i in range(302, 310):
        image.save(folder / f"{i}-turned.jpg", exif=exif)
    (folder / "400.png").write_bytes((folder / "000.png").read_bytes()[:-30])
    (folder / "401.png").write_text("not an image")
    reader = open_testset(
        TestSetRef("cats", "image-folder", str(tmp_path / "data"), {"classes": ["cat"]})
    )
    count, issues = read(reader, workers=2)
    assert count == 312
    faults = [issue.message for issue in issues if issue.severity == "fault"]
    assert len(faults) == 2
    assert faults[0].startswith("row 310 ('cat/400.png'): ")
    assert faults[1].startswith("row 311 ('cat/401.png'): ")
    notes = {issue.message for issue in issues if issue.severity == "note"}
    turned = ", ".join(f"cat/{i}-turned.jpg" for i in range(301, 306))
    assert notes == {
        "CMYK converted to RGB: 1 items (cat/300-cmyk.jpg)",
        f"EXIF orientation: 9 items ({turned}, ...)",
    }
