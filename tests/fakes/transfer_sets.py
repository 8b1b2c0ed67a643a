"""Small data sets in the real layouts of the twelve that transfer studies know by name.

Each maker writes the files that their owners publish, of few images of three classes.  Image number n
is `picture(n)`, so that what comes out can be told from anything else.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from fakes.image_samples import encoded, picture, write
from torchvision import datasets

from freshset.core.spaces import known_space
from freshset.datasets.voc import CLASSES as VOC_CLASSES

SIZE = (16, 12)
LABELS = {
    "train": [0, 1, 2] * 4,
    "validation": [2, 1, 0, 2, 1, 0],
    "test": [0, 1, 1, 2, 2, 0, 2],
}
STARTS = {"train": 0, "validation": 100, "test": 200}


@dataclass(frozen=True)
class Made:
    """What a maker made.

    Attributes
    ----------
    classes
        Names of the three classes.
    n_classes
        Size of the class space.
    parts
        Parts that have files or lists of their own.
    raw
        Whether pixels are stored as they are, not as JPEG.
    """

    classes: tuple[str, str, str]
    n_classes: int = 3
    parts: tuple[str, ...] = ("train", "test")
    raw: bool = False


Maker = Callable[[Path, pytest.MonkeyPatch], Made]


def numbered(part: str) -> list[tuple[int, int]]:
    """Number and class of every image of a part."""
    return list(enumerate(LABELS[part], start=STARTS[part]))


def jpeg(number: int) -> bytes:
    return encoded(picture(number, SIZE))


def food101(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("apple_pie", "baklava", "waffles")
    for part in ("train", "test"):
        lists: dict[str, list[str]] = {name: [] for name in names}
        for number, label in numbered(part):
            id = f"{names[label]}/{1000 + number}"
            write(root / "food-101" / "images", f"{id}.jpg", jpeg(number))
            lists[names[label]].append(id)
        write(root / "food-101" / "meta", f"{part}.json", json.dumps(lists).encode())
    return Made(names)


def _cifar(root: Path, part: str, key: str, labels: list[int] | None = None) -> bytes:
    pixels = [
        np.asarray(picture(n, (32, 32))).transpose(2, 0, 1).ravel() for n, _ in numbered(part)
    ]
    return pickle.dumps({"data": np.stack(pixels), key: labels or LABELS[part]})


def cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """torchvision unpickles only what has the checksums of the published files, so smaller ones
    need others."""
    names = known_space("cifar-10").labels
    base = root / "cifar-10-batches-py"
    batches = {"data_batch_1": "train", "test_batch": "test"}
    data = {file: _cifar(root, part, "labels") for file, part in batches.items()}
    data["batches.meta"] = pickle.dumps({"label_names": list(names)})
    md5 = {
        file: hashlib.md5(write(base, file, one).read_bytes()).hexdigest()
        for file, one in data.items()
    }
    kind = datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", md5["data_batch_1"]]])
    monkeypatch.setattr(kind, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5["batches.meta"]})
    return Made((names[0], names[1], names[2]), 10, raw=True)


def cifar100(root: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    names = ("apple", "aquarium_fish", "baby")
    data = {part: _cifar(root, part, "fine_labels") for part in ("train", "test")}
    data["meta"] = pickle.dumps({"fine_label_names": list(names)})
    base = root / "cifar-100-python"
    md5 = {
        file: hashlib.md5(write(base, file, one).read_bytes()).hexdigest()
        for file, one in data.items()
    }
    kind = datasets.CIFAR100
    monkeypatch.setattr(kind, "train_list", [["train", md5["train"]]])
    monkeypatch.setattr(kind, "test_list", [["test", md5["test"]]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5["meta"]})
    return Made(names, raw=True)


def birdsnap(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("Acadian_Flycatcher", "Blue_Jay", "Elf_Owl")
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for part, paths in lists.items():
        for number, label in numbered(part):
            paths.append(f"{names[label]}/{number}.jpg")
            write(root / "images", paths[-1], jpeg(number))
    write(root, "test_images.txt", "\n".join(["path", *lists["test"], ""]).encode())
    return Made(names)


def sun397(root: Path, _: pytest.MonkeyPatch) -> Made:
    """One class lies two folders deep, and there are images that are in no part of the split."""
    names = ("a/abbey", "a/apartment_building/outdoor", "b/badlands")
    for part, file in (("train", "Training_01.txt"), ("test", "Testing_01.txt")):
        lines = []
        for number, label in numbered(part):
            lines.append(f"/{names[label]}/sun_{number:05}.jpg\n")
            write(root / "SUN397", lines[-1].strip()[1:], jpeg(number))
        write(root, file, "".join(lines).encode())
    write(root / "SUN397", "a/abbey/sun_99999.jpg", jpeg(999))
    return Made(names)


def stanford_cars(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Acura TL Sedan 2012")
    base, kind = root / "stanford_cars", np.dtype([("fname", object), ("class", object)])
    (base / "devkit").mkdir(parents=True)
    annotations = {
        "train": base / "devkit" / "cars_train_annos.mat",
        "test": base / "cars_test_annos_withlabels.mat",
    }
    for part, file in annotations.items():
        rows = []
        for number, label in numbered(part):
            rows.append((f"{number:05}.jpg", label + 1))
            write(base / f"cars_{part}", rows[-1][0], jpeg(number))
        scipy.io.savemat(file, {"annotations": np.array(rows, dtype=kind)})
    meta = {"class_names": np.array(names, dtype=object)}
    scipy.io.savemat(base / "devkit" / "cars_meta.mat", meta)
    return Made(names)


_THREE = {"train": "train", "validation": "val", "test": "test"}


def fgvc_aircraft(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("707-320", "Boeing 717", "F/A-18")
    base = root / "fgvc-aircraft-2013b" / "data"
    write(base, "variants.txt", "\n".join(names).encode())
    for part, split in _THREE.items():
        lines = []
        for number, label in numbered(part):
            write(base / "images", f"{number:07}.jpg", jpeg(number))
            lines.append(f"{number:07} {names[label]}\n")
        write(base, f"images_variant_{split}.txt", "".join(lines).encode())
    return Made(names, parts=tuple(_THREE))


Objects = dict[str, list[tuple[str, bool]]]
"""Objects of VOC's images by id: class, and whether it is difficult."""


def write_voc(folder: Path, objects: Objects, split: str, start: int = 0) -> None:
    """Images, annotations and lists of a split as the development kit has them."""
    for number, (id, shown) in enumerate(objects.items(), start=start):
        write(folder, f"JPEGImages/{id}.jpg", jpeg(number))
        parts = "".join(
            f"<object><name>{name}</name><difficult>{difficult:d}</difficult></object>"
            for name, difficult in shown
        )
        text = f"<annotation><filename>{id}.jpg</filename>{parts}</annotation>"
        write(folder, f"Annotations/{id}.xml", text.encode())
    sets = folder / "ImageSets" / "Main"
    write(sets, f"{split}.txt", "".join(f"{id}\n" for id in objects).encode())
    for name in VOC_CLASSES:
        lines = []
        for id, shown in objects.items():
            mine = [difficult for kind, difficult in shown if kind == name]
            lines.append(f"{id} {-1 if not mine else 0 if all(mine) else 1:2}\n")
        write(sets, f"{name}_{split}.txt", "".join(lines).encode())


def voc2007(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("aeroplane", "bicycle", "bird")
    for part, split in _THREE.items():
        objects: Objects = {
            f"{number:06}": [(names[label], False), ("person", True)]
            for number, label in numbered(part)
        }
        write_voc(root / "VOCdevkit" / "VOC2007", objects, split, STARTS[part])
    return Made(names, 20, tuple(_THREE))


def dtd(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("banded", "blotchy", "braided")
    for part, split in _THREE.items():
        lines = []
        for number, label in numbered(part):
            lines.append(f"{names[label]}/{names[label]}_{number:04}.jpg\n")
            write(root / "dtd" / "dtd" / "images", lines[-1].strip(), jpeg(number))
        write(root / "dtd" / "dtd" / "labels", f"{split}1.txt", "".join(lines).encode())
    return Made(names, parts=tuple(_THREE))


def oxford_pets(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("Abyssinian", "american_bulldog", "Bengal")
    base = root / "oxford-iiit-pet"
    for part, split in (("train", "trainval"), ("test", "test")):
        lines = []
        for number, label in numbered(part):
            id = f"{names[label]}_{number}"
            write(base / "images", f"{id}.jpg", jpeg(number))
            lines.append(f"{id} {label + 1} {1 + label % 2} 1\n")
        write(base / "annotations", f"{split}.txt", "".join(lines).encode())
    return Made(("Abyssinian", "American Bulldog", "Bengal"))


def caltech101(root: Path, _: pytest.MonkeyPatch) -> Made:
    names = ("BACKGROUND_Google", "accordion", "airplanes")
    for label, name in enumerate(names):
        for number in range(31 + label):
            file = f"{name}/image_{number + 1:04}.jpg"
            write(root / "101_ObjectCategories", file, jpeg(1000 * label + number))
    return Made(names, parts=("train",))


def oxford_flowers(root: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """torchvision reads only lists that have the checksums of the published ones."""
    base, kind = root / "flowers-102", datasets.Flowers102
    base.mkdir(parents=True)
    labels = np.ones(300, dtype=np.uint8)
    sets = {}
    for part, key in (("train", "trnid"), ("validation", "valid"), ("test", "tstid")):
        for number, label in numbered(part):
            write(base / "jpg", f"image_{number + 1:05}.jpg", jpeg(number))
            labels[number] = label + 1
        sets[key] = np.array([number + 1 for number, _ in numbered(part)])
    scipy.io.savemat(base / "imagelabels.mat", {"labels": labels})
    scipy.io.savemat(base / "setid.mat", sets)
    files = {
        key: (name, hashlib.md5((base / name).read_bytes()).hexdigest() if key != "image" else "")
        for key, (name, _) in kind._file_dict.items()
    }
    monkeypatch.setattr(kind, "_file_dict", files)
    first = kind.classes[:3]
    return Made((first[0], first[1], first[2]), 102, ("train", "validation", "test"))


MAKERS: dict[str, Maker] = {
    "food101": food101,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "birdsnap": birdsnap,
    "sun397": sun397,
    "stanford-cars": stanford_cars,
    "fgvc-aircraft": fgvc_aircraft,
    "voc2007": voc2007,
    "dtd": dtd,
    "oxford-pets": oxford_pets,
    "caltech101": caltech101,
    "oxford-flowers": oxford_flowers,
}
