"""The twelve data sets, each read from a small one in its real layout."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import datasets as hub
import numpy as np
import pytest
from fakes.image_samples import picture
from fakes.transfer_sets import LABELS, MAKERS, Made, jpeg, numbered
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import TestSetRef
from freshset.datasets.registry import ADAPTERS
from freshset.transfer.datasets.base import OpenDataset, Part
from freshset.transfer.datasets.builtin import entries, entry_of, resolve
from freshset.transfer.datasets.opening import open_dataset
from freshset.transfer.protocol import Splitting

# Kornblith, Shlens and Le (2019), table of data sets: training images with those for validation,
# test images, metric.  Of Pets it prints 3,369 test images; the list of its owners has 3,669.
PAPER = {
    "food101": (75_750, 25_250, 101, "top1"),
    "cifar10": (50_000, 10_000, 10, "top1"),
    "cifar100": (50_000, 10_000, 100, "top1"),
    "birdsnap": (47_386, 2_443, 500, "top1"),
    "sun397": (19_850, 19_850, 397, "top1"),
    "stanford-cars": (8_144, 8_041, 196, "top1"),
    "fgvc-aircraft": (6_667, 3_333, 100, "mean-per-class"),
    "voc2007": (5_011, 4_952, 20, "map11"),
    "dtd": (3_760, 1_880, 47, "top1"),
    "oxford-pets": (3_680, 3_669, 37, "mean-per-class"),
    "caltech101": (3_060, 6_084, 102, "mean-per-class"),
    "oxford-flowers": (2_040, 6_149, 102, "mean-per-class"),
}
OFFICIAL = {"fgvc-aircraft", "voc2007", "dtd", "oxford-flowers"}


def test_sizes_and_metrics_are_those_of_the_paper() -> None:
    assert set(entries()) == set(PAPER) == set(MAKERS)
    for id, (train, test, classes, metric) in PAPER.items():
        entry = entry_of(id)
        expected = dict(entry.expected)
        learned = expected["train"] + expected.get("validation", 0)
        assert (learned, expected["test"], expected["classes"], entry.metric) == (
            train,
            test,
            classes,
            metric,
        )
        assert (entry.validation is not None) == ("validation" in expected) == (id in OFFICIAL)
        assert entry.adapter in ADAPTERS.builtin
        assert all((entry.title, entry.layout, entry.sizes, entry.source, entry.citation))


SIZES = {part: len(labels) for part, labels in LABELS.items()}


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "caltech101"])
def test_parts_images_and_classes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MAKERS[name](tmp_path, monkeypatch)
    sizes = {part: SIZES[part] for part in made.parts} | {"classes": made.n_classes}
    declared = replace(resolve(name, tmp_path), expected=sizes)
    found = open_dataset(declared, Splitting(), seed=0)
    assert found.notes == ()
    assert found.official == (name in OFFICIAL)
    assert found.multilabel == (name == "voc2007")
    learned = {"train": _read(found, found.train), "test": _read(found, found.test)}
    if found.official:
        learned["validation"] = _read(found, found.validation)
    else:
        learned["train"] += _read(found, found.validation)
    for part, items in learned.items():
        wanted = [(_pixels(number, made), made.classes[label]) for number, label in numbered(part)]
        assert sorted(items) == sorted(wanted), part


def _pixels(number: int, made: Made) -> bytes:
    """What is read of an image: of a JPEG what its decoder makes of it."""
    image = picture(number, (32, 32)) if made.raw else Image.open(BytesIO(jpeg(number)))
    return image.convert("RGB").tobytes()


def _read(found: OpenDataset, part: Part) -> list[tuple[bytes, str]]:
    """Pixels and class of every item; of several classes the one that counts in these samples."""
    labels = part.targets.argmax(axis=1) if part.targets.ndim == 2 else part.targets
    items = (part.reader.read(int(row)).tobytes() for row in part.rows)
    return list(zip(items, [found.class_names[label] for label in labels], strict=True))


@pytest.mark.parametrize("name", list(MAKERS))
def test_every_wrong_size_is_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The samples are smaller than the real data sets in everything."""
    made = MAKERS[name](tmp_path, monkeypatch)
    declared = resolve(name, tmp_path)
    with pytest.raises(DataError, match="other sizes than expected") as caught:
        open_dataset(declared, Splitting(), seed=0)
    wrong = {part: n for part, n in declared.expected.items() if part != "classes"}
    if made.n_classes != declared.expected["classes"]:
        wrong["classes"] = declared.expected["classes"]
    for expected in wrong.values():
        assert f" of {expected:,} " in caught.value.message
    assert caught.value.message.count(" of ") == len(wrong)
    found = open_dataset(replace(declared, allow_sizes=True), Splitting(), seed=0)
    assert len([note for note in found.notes if " of " in note and "images of" not in note]) == len(
        wrong
    )


def test_caltech_has_thirty_images_of_each_class_and_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MAKERS["caltech101"](tmp_path, monkeypatch)
    declared = replace(resolve("caltech101", tmp_path), allow_sizes=True)
    found = open_dataset(declared, Splitting(), seed=3)
    assert found.class_names == made.classes
    learned = np.concatenate([found.train.targets, found.validation.targets])
    assert np.bincount(learned).tolist() == [30, 30, 30]
    assert np.bincount(found.test.targets).tolist() == [1, 2, 3]
    assert "training set: 30 images of each class, drawn with seed 0; test set: the rest" in (
        found.notes
    )
    other = open_dataset(declared, Splitting(), seed=4)
    assert found.test.fingerprint == other.test.fingerprint


def test_voc_leaves_out_what_is_difficult(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS["voc2007"](tmp_path, monkeypatch)
    found = open_dataset(
        replace(resolve("voc2007", tmp_path), allow_sizes=True), Splitting(), seed=0
    )
    person = found.class_names.index("person")
    assert found.test.ignored is not None
    assert np.flatnonzero(found.test.ignored.any(axis=0)).tolist() == [person]
    assert not found.test.targets[:, person].any()


def test_birdsnap_says_how_much_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that could not be fetched any more, one of them the only one of its class."""
    MAKERS["birdsnap"](tmp_path, monkeypatch)
    names = (tmp_path / "test_images.txt").read_text().split()[1:]
    for name in names[:3]:
        (tmp_path / "images" / name).unlink()
    declared = resolve("birdsnap", tmp_path)
    sizes = {"train": SIZES["train"], "test": SIZES["test"], "classes": 3}
    with pytest.raises(DataError, match="Birdsnap: .*: 4 of 7 test images\\."):
        open_dataset(replace(declared, expected=sizes), Splitting(), seed=0)
    allowed = replace(declared, expected=sizes, allow_sizes=True)
    assert open_dataset(allowed, Splitting(), seed=0).notes == ("4 of 7 test images",)


def test_where_the_data_should_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PASCAL VOC 2007: there is no folder .*VOC2007") as caught:
        resolve("voc2007", tmp_path)
    assert "the folder that holds VOCdevkit/VOC2007" in caught.value.hint
    with pytest.raises(UsageError, match="Nothing says where the train and test images of sun397"):
        resolve("sun397", None)
    with pytest.raises(UsageError, match="No built-in data set 'dtdd'") as caught:
        resolve("dtdd", tmp_path)
    assert "'dtd'" in caught.value.hint


def test_options_and_parts_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS["dtd"](tmp_path, monkeypatch)
    declared = resolve("dtd", tmp_path, {"arguments": {"partition": 2}})
    assert declared.test.options["arguments"] == {"partition": 2}
    assert declared.test.options["split"] == "test"
    (tmp_path / "101_ObjectCategories").mkdir()
    caltech = resolve("caltech101", tmp_path, parts={"test": declared.test})
    assert caltech.division is None
    assert caltech.test is declared.test
    cars = resolve("stanford-cars", None, parts={"train": declared.train, "test": declared.test})
    assert (cars.title, cars.expected["test"]) == ("Stanford Cars", 8_041)


def test_a_known_data_set_from_the_hub(tmp_path: Path) -> None:
    """Splits, columns and features as tanganke/stanford_cars has them, as a folder of Parquet."""
    names = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Acura TL Sedan 2012"]
    features = hub.Features({"image": hub.Image(), "label": hub.ClassLabel(names=names)})
    (tmp_path / "data").mkdir()
    for part in ("train", "test"):
        rows = {
            "image": [{"bytes": jpeg(number), "path": None} for number, _ in numbered(part)],
            "label": LABELS[part],
        }
        data = hub.Dataset.from_dict(rows, features=features)
        data.to_parquet(str(tmp_path / "data" / f"{part}-00000-of-00001.parquet"))
    refs = {
        part: TestSetRef(f"cars/{part}", "hf-datasets", str(tmp_path), {"split": part})
        for part in ("train", "test")
    }
    declared = replace(
        resolve("stanford-cars", None, parts=refs),
        expected={"train": SIZES["train"], "test": SIZES["test"], "classes": 3},
    )
    found = open_dataset(declared, Splitting(), seed=0)
    assert found.notes == ()
    assert found.class_names == tuple(names)
    made = Made((names[0], names[1], names[2]))
    wanted = [(_pixels(number, made), names[label]) for number, label in numbered("test")]
    assert _read(found, found.test) == wanted
