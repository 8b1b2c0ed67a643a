"""Images in one folder a class.

Options: ``classes`` (a known space, a number, a list or file; without it the folder names are the
classes), ``folders`` (table from folder names to classes, where those differ), ``nested`` (the class
is the whole path of the folder: ``a/apartment_building/outdoor``), ``only`` and ``without`` (files that
list images, one a line: no others, all but those), ``allow_empty`` (classes without images),
``allow_missing`` (listed images that are not there), ``content`` (digest of all bytes, not of file
sizes), ``orientation``, ``max_pixels``, ``border``.

Folder names are matched with the keys of the classes (wnids), else with their names, else as class
ids; never by their place in alphabetical order when they are numbers.  Images may lie in folders
below that of their class.  An item's id is its path below the root.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.records import Labels
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.class_files import read_table
from freshset.datasets.files import content_digest, sizes_digest
from freshset.datasets.images import SUFFIXES
from freshset.datasets.item_lists import missing_text, read_item_list
from freshset.datasets.labels import class_ids, declared_classes, to_labels
from freshset.datasets.opened import IMAGE_OPTIONS, ImageReader, classification, decoding_of
from freshset.datasets.options import Options

_OPTIONS = (
    "classes", "folders", "nested", "only", "without", "allow_empty", "allow_missing", "content"
)  # fmt: skip
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderReader(ImageReader):
    """Reads the files of a folder by their ids; see `freshset.datasets.base.Reader`."""

    root: Path

    def source(self, index: int) -> tuple[Path, str]:
        """File of an item."""
        path = self.root / self.testset.ids[index]
        return path, str(path)


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The adapter ``image-folder``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a folder of class folders.

        Raises
        ------
        UsageError
            For an option or folder that does not exist.
        DataError
            When the folders are no classes, a class has no image, or a listed image is not there.
        """
        options = Options(ref, (*_OPTIONS, *IMAGE_OPTIONS))
        root = options.path()
        found = _Found()
        found.scan(root)
        nested = options.flag("nested")
        folders = {_folder(id, nested) for id in found.sizes} if nested else found.folders
        ids = _kept(options, found)
        labels, space = _labels(options, [_folder(id, nested) for id in ids], sorted(folders), root)
        if not options.flag("allow_empty"):
            _refuse_empty(options, labels, space)
        testset = classification(options, ids, labels, space)
        digest = (
            content_digest(ids, lambda row: (root / ids[row]).read_bytes())
            if options.flag("content")
            else sizes_digest(ids, (found.sizes[id] for id in ids))
        )
        decoding = decoding_of(options)
        return FolderReader(
            testset=testset,
            classes=space,
            item="image",
            reading=f"{decoding.text} bytes={digest}",
            origin=options.origin(testset.n),
            notes=tuple(found.notes),
            decoding=decoding,
            root=root,
        )


ADAPTER = ImageFolder()


@dataclass(slots=True)
class _Found:
    """What lies in a folder of class folders: sizes of the images by id, and what is no image."""

    folders: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    loose: int = 0
    other: int = 0
    notes: list[str] = field(default_factory=list)

    def scan(self, root: Path) -> None:
        if not root.is_dir():
            raise DataError(f"{root}: not a folder.", "Give the folder of the class folders.")
        for entry in _entries(root):
            if entry.is_dir() and not entry.name.startswith(
                "."
            ):  # a class folder may be a link to where the images are
                self.folders.append(entry.name)
                self._scan_class(root / entry.name, entry.name)
            elif _is_image(entry.name):
                self.loose += 1
            else:
                self.other += 1
        if self.loose and not self.folders:
            raise DataError(
                f"{root}: {self.loose:,} images, but no class folders.",
                "Sort the images into one folder a class, or list them with labels in a csv file "
                "for the adapter 'manifest'.",
            )
        said = {
            f"{self.loose:,} images outside of any class folder are passed over": self.loose,
            f"{self.other:,} files are hidden or no images and are passed over": self.other,
        }
        self.notes += [note for note, count in said.items() if count]

    def _scan_class(self, folder: Path, prefix: str) -> None:
        for entry in _entries(folder):
            id = f"{prefix}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                self._scan_class(folder / entry.name, id)
            elif _is_image(entry.name):
                try:
                    self.sizes[id] = entry.stat().st_size
                except OSError as error:
                    raise DataError(f"{entry.path}: cannot be read ({error.strerror}).") from error
            else:
                self.other += 1


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror}).") from error


def _is_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _folder(id: str, nested: bool) -> str:
    return id.rpartition("/")[0] if nested else id.partition("/")[0]


def _kept(options: Options, found: _Found) -> list[str]:
    """The images that the lists leave, in alphabetical order."""
    ids = set(found.sizes)
    for name in ("only", "without"):
        file = options.file(name)
        if file is None:
            continue
        listed = read_item_list(file)
        text = missing_text(listed, found.sizes)
        if text and not options.flag("allow_missing"):
            raise DataError(
                f"{file}: {text}.", "Complete the data, or set allow_missing: true to go on."
            )
        found.notes += [text] if text else []
        ids = ids & listed if name == "only" else ids - listed
    return sorted(ids)


def _labels(
    options: Options, folder_of: list[str], folders: list[str], root: Path
) -> tuple[Labels, ClassSpace]:
    space = declared_classes(options)
    if space is None:
        _refuse_other_levels(folders, root)
    if "folders" in options:
        table = _table(options)
        if missing := [name for name in folders if name not in table]:
            raise DataError(
                f"{root}: the table of folders has no {missing[0]!r}.",
                "Give every folder its class.",
            )
        values = np.array([str(table[name]) for name in folders])
        where = f"{options.ref.id}: folders"
        found, space = to_labels(values, space, where)
        by_folder = dict(zip(folders, found.tolist(), strict=True))
    else:
        by_folder, space = class_ids(folders, space, lambda name: f"{root / name}")
        if len(set(by_folder.values())) < len(folders):
            raise DataError(
                f"{root}: two folders are one class.", "Say which in a table (option 'folders')."
            )
    return np.array([by_folder[folder] for folder in folder_of], dtype=np.int32), space


def _refuse_other_levels(folders: list[str], root: Path) -> None:
    """Without declared classes, a path one level too high would make classes of anything."""
    if len(folders) < 2 or {name.lower() for name in folders} <= _SPLITS:
        raise DataError(
            f"{root}: the folders {', '.join(folders) or '(none)'} are no classes.",
            "Give the folder that holds one folder a class, or declare the classes.",
        )


def _table(options: Options) -> dict[str, Any]:
    value = options.ref.options["folders"]
    if isinstance(value, str) and (path := options.file("folders")):
        return read_table(path, "folder", "class")
    return options.table("folders")


def _refuse_empty(options: Options, labels: Labels, space: ClassSpace) -> None:
    empty = np.flatnonzero(np.bincount(labels, minlength=len(space)) == 0)
    if empty.size:
        raise DataError(
            f"{options.ref.id}: {empty.size:,} of {len(space):,} classes have no image, the first "
            f"is {space.keys[empty[0]]!r}.",
            "Complete the data, declare the classes that it has, or set allow_empty: true.",
        )
