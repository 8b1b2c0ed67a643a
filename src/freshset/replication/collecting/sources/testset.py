"""Images of a test set that freshset can read, whatever adapter reads it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import Field

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.builtin import resolve
from freshset.datasets.image_folder import FolderReader
from freshset.datasets.opened import ImageReader
from freshset.datasets.registry import open_testset
from freshset.replication.collecting.sources.base import Found, Source, matching
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec

ORIGINAL = "original:"
"""Begin of the labels that the images of the original are recorded under."""


class TestSetSource(Source):
    """The items of a test set; their ids are its keys.

    Attributes
    ----------
    known
        Id of a test set of the catalogue, such as ``imagenet/val``, which says how it is read.
    adapter
        What reads one that is not in the catalogue, such as ``image-folder``.
    path
        File or folder.
    label
        What the origins of images are recorded under.
    settings
        Options of the adapter; they win over those of the catalogue.
    keyword
        A stratum of the test set that is taken for the keyword; in a folder of class folders, those
        in a class folder are the keywords anyway.
    every_class
        Whether items of classes that the spec does not have are offered too, by the key that the test
        set has for them; without it they are an error.
    """

    __test__ = False

    path: str
    label: str
    known: str = ""
    adapter: str = "image-folder"
    settings: dict[str, Any] = Field(default_factory=dict)
    keyword: str = ""
    every_class: bool = False

    @property
    def name(self) -> str:
        """What the origins of images are recorded under."""
        return self.label

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Find all items; see `freshset.replication.collecting.sources.base.Source`."""
        del web
        reader = open_testset(self._ref())
        yield from items_of(reader, classes, keyword=self.keyword, every_class=self.every_class)

    def _ref(self) -> TestSetRef:
        if self.known:
            return resolve(self.known, Path(self.path), self.settings, root=Path.cwd())
        path = Path(self.path)
        # What is no path here is a name that the adapter knows, such as one of a hub.
        place = str(path.absolute()) if path.exists() else self.path
        return TestSetRef(self.label, self.adapter, place, self.settings, root=Path.cwd())


def items_of(
    reader: Reader, classes: Sequence[ClassSpec], *, keyword: str = "", every_class: bool = False
) -> Iterator[Found]:
    """Offer the items of a test set that is open, class by class in the order of the classes.

    Parameters
    ----------
    keyword, every_class
        As of `TestSetSource`.

    Raises
    ------
    UsageError
        When its items are no images, or there is no such stratum.
    DataError
        When a class of the test set is none of the spec's.
    """
    testset = reader.testset
    if reader.item not in {"image", "array"} or testset.labels is None:
        raise UsageError(f"{testset.id}: its items are not images with labels.")
    words = _folders(reader) or _keywords(testset.strata, keyword, testset.id)
    own = reader.classes.keys if reader.classes else tuple(map(str, range(testset.n_classes)))
    names = reader.classes.labels if reader.classes else own
    keys = _class_keys(own, names, classes, testset.id, every_class=every_class)
    labels = np.asarray(testset.labels)
    ids = testset.ids.tolist()
    place = {one.key: i for i, one in enumerate(classes)}
    order = sorted(range(len(own)), key=lambda i: place.get(keys[i], len(place) + i))
    for label in order:
        for row in np.flatnonzero(labels == label).tolist():
            word = words[row] if words else ""
            yield Found(
                ids[row],
                keys[label],
                word,
                read=_bytes(reader, row),
                licence=reader.origin.licence,
                page=reader.origin.source,
            )


def _folders(reader: Reader) -> list[str]:
    """Folders in the class folders, where a test set is such a folder."""
    if not isinstance(reader, FolderReader):
        return []
    parts = (id.split("/") for id in reader.testset.ids.tolist())
    return [below[1] if len(below) > 2 else "" for below in parts]


def _keywords(strata: Mapping[str, Any], name: str, where: str) -> list[str]:
    if not name:
        return []
    if name not in strata:
        raise UsageError(f"{where}: no stratum {name!r}.", did_you_mean(name, strata))
    return [str(value) for value in strata[name].tolist()]


def _class_keys(
    own: Sequence[str],
    names: Sequence[str],
    classes: Sequence[ClassSpec],
    where: str,
    *,
    every_class: bool,
) -> list[str]:
    """Keys that the spec has for the classes of a test set."""
    out, missed = [], []
    for key, name in zip(own, names, strict=True):
        try:
            out.append(matching(key, classes, where).key)
        except DataError as error:
            try:
                out.append(matching(name, classes, where).key)
            except DataError:
                missed.append(error)
                out.append(key)
    if missed and (not every_class or len(missed) == len(out)):
        raise missed[0]
    return out


def _bytes(reader: Reader, row: int) -> Callable[[], bytes]:
    """What returns an item as a file: the one that it is, where nothing is cut off."""
    if isinstance(reader, ImageReader) and not reader.decoding.border:
        return partial(_as_it_is, reader, row)
    return partial(_encoded, reader, row)


def _as_it_is(reader: ImageReader, row: int) -> bytes:
    source, where = reader.source(row)
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror}).") from error


def _encoded(reader: Reader, row: int) -> bytes:
    """An item as a PNG, which loses nothing."""
    item = reader.read(row)
    if not isinstance(item, Image.Image):
        values = np.asarray(item)
        if values.dtype != np.uint8:
            raise UsageError(
                f"{reader.testset.id}: items of type {values.dtype} are no pictures.",
                "Give whole numbers from 0 to 255, as uint8.",
            )
        item = Image.fromarray(values[..., 0] if values.shape[-1:] == (1,) else values)
    stream = io.BytesIO()
    item.convert("RGB").save(stream, "PNG")
    return stream.getvalue()
