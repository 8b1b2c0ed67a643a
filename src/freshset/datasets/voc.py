"""The classification task of the PASCAL Visual Object Classes challenges, whose images show several.

The path is the folder of one year (``VOC2007``), which holds ``JPEGImages`` and ``ImageSets``.
Options: ``split`` (``test`` by default; ``train``, ``val``, ``trainval``), ``content`` (digest of all
bytes, not of file sizes), ``orientation``, ``max_pixels``, ``border``.

What an image shows is taken from the lists of each class, as the development kit does it: 1 for a
class that it shows, -1 for one that it does not, and 0 where all its objects of the class are called
difficult, which does not count either way.  The label of an image, which tasks of one class use, is
the first class that it shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.records import AcceptSets, Labels
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.files import content_digest, size_of, sizes_digest
from freshset.datasets.opened import IMAGE_OPTIONS, ImageReader, classification, decoding_of
from freshset.datasets.options import Options

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
"""The twenty classes, in the alphabetical order of the development kit."""

_SPLITS = ("test", "train", "val", "trainval")


@dataclass(frozen=True, slots=True, kw_only=True)
class VocReader(ImageReader):
    """Reads the images of a split; see `freshset.datasets.base.ShowsSeveral`."""

    root: Path
    ignored: AcceptSets

    def source(self, index: int) -> tuple[Path, str]:
        """File of an item."""
        path = _file(self.root, self.testset.ids[index])
        return path, str(path)


@dataclass(frozen=True, slots=True)
class Voc:
    """The adapter ``voc``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a split.

        Raises
        ------
        UsageError
            For an option, folder or split that does not exist.
        DataError
            When a list is damaged or an image is not there.
        """
        options = Options(ref, ("split", "content", *IMAGE_OPTIONS))
        root = options.path()
        split = options.text("split", "test")
        if split not in _SPLITS:
            raise UsageError(f"{ref.id}: split is {split!r}.", did_you_mean(split, _SPLITS))
        sets = root / "ImageSets" / "Main"
        ids = [line[0] for line in _lines(sets / f"{split}.txt", columns=1)]
        shown = np.stack([_column(sets / f"{name}_{split}.txt", ids) for name in CLASSES], axis=1)
        ignored = AcceptSets.of([np.flatnonzero(row == 0).tolist() for row in shown])
        accepted = AcceptSets.of([np.flatnonzero(row == 1).tolist() for row in shown])
        space = ClassSpace("", CLASSES)
        testset = classification(options, ids, _labels(shown, ids, sets), space)
        digest = (
            content_digest(ids, lambda row: _file(root, ids[row]).read_bytes())
            if options.flag("content")
            else sizes_digest(ids, (size_of(_file(root, id), ref.id) for id in ids))
        )
        decoding = decoding_of(options)
        return VocReader(
            testset=replace(testset, accepted=accepted),
            classes=space,
            item="image",
            reading=f"{decoding.text} bytes={digest}",
            origin=options.origin(testset.n),
            decoding=decoding,
            root=root,
            ignored=ignored,
        )


ADAPTER = Voc()


def _file(root: Path, id: str) -> Path:
    return root / "JPEGImages" / f"{id}.jpg"


def _column(path: Path, ids: list[str]) -> npt.NDArray[np.int8]:
    """What a class's list says of the images, in their order."""
    rows = _lines(path, columns=2)
    if [row[0] for row in rows] != ids:
        raise DataError(f"{path}: lists other images than the split.", "Extract the data again.")
    odd = [row for row in rows if row[1] not in {"-1", "0", "1"}]
    if odd:
        raise DataError(f"{path}: {odd[0][0]}: {odd[0][1]!r} is not -1, 0 or 1.")
    return np.array([int(row[1]) for row in rows], dtype=np.int8)


def _labels(shown: npt.NDArray[np.int8], ids: list[str], sets: Path) -> Labels:
    """The first class that each image shows; else the first whose objects are all difficult."""
    nothing = np.flatnonzero(shown.max(axis=1) < 0)
    if nothing.size:
        raise DataError(
            f"{sets}: {ids[nothing[0]]} shows none of the classes.", "Extract the data again."
        )
    return np.asarray(shown.argmax(axis=1), dtype=np.int32)


def _lines(path: Path, *, columns: int) -> list[list[str]]:
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no file {path}.",
            "Give the folder of one year, such as VOCdevkit/VOC2007, with its image sets; those of "
            "the test set are in the archive of the test data.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error
    rows = [row for row in rows if row]
    for number, row in enumerate(rows, start=1):
        if len(row) != columns:
            raise DataError(f"{path}: line {number}: {' '.join(row)!r} has not {columns} columns.")
    return rows
