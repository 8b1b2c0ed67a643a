"""Hugging Face data sets of images or texts: a folder, a file, or a name on the hub.

The path is what ``save_to_disk`` wrote, a folder or file that ``load_dataset`` reads (Parquet, json,
csv, an image folder), or ``owner/name[@revision]`` on the hub, which is copied to the library's cache
the first time.  Options: ``split`` (by default the only one, else ``test``), ``config``, ``revision``,
``images`` and ``labels`` (columns, found by their types where nothing is said), ``text`` (column of
the texts, for text classification), ``ids`` (by default the file names of the images, else row
numbers), ``strata``, ``classes``, ``content`` (digest of all bytes, not of sizes), ``orientation``,
``max_pixels``.

Images are decoded by freshset's rules and not by the library.  The library's own fingerprint, which
changes with its version, is not used.  When the hub cannot be reached, the library takes the newest
copy in its cache; where the revision is a commit, any other than that one is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute as pc

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.records import Labels
from freshset.datasets import hub
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.files import content_digest, inside, size_of, sizes_digest
from freshset.datasets.labels import LABEL_NAMES, declared_classes, in_declared, to_labels
from freshset.datasets.opened import (
    IMAGE_OPTIONS,
    ImageReader,
    Opened,
    classification,
    decoding_of,
    given_ids,
    row_ids,
    stratum,
)
from freshset.datasets.options import Options

_OPTIONS = ("images", "labels", "text", "ids", "strata", "classes", "content")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReader(ImageReader):
    """Reads the images of a data set; see `freshset.datasets.base.Reader`."""

    data: datasets.Dataset
    root: Path | None

    def source(self, index: int) -> tuple[Path | bytes, str]:
        """File or bytes of an item."""
        name = self.testset.id
        return _image(self.data, index, self.root, name), f"{name}: row {index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReader(Opened):
    """Reads the texts of a data set; see `freshset.datasets.base.Reader`."""

    data: datasets.Dataset

    def read(self, index: int) -> str:
        """Read the text of item ``index``."""
        return _text(self.data, index, self.testset.id)


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """The adapter ``hf-datasets``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a data set.

        Raises
        ------
        UsageError
            For an option, folder, split or column that does not exist.
        DataError
            When the data cannot be read, the hub cannot be reached, a label is no class, or an
            image lies outside the folder; names the row.
        """
        options = Options(ref, (*hub.OPTIONS, *_OPTIONS, *IMAGE_OPTIONS))
        data = hub.load(options)
        label = _column(options, "labels", data, _is_label)
        labels, space = _labels(options, data, label)
        names = options.texts("strata")
        strata = {name: stratum(_values(data, name, ref.id), name, ref.id) for name in names}
        given = _values(data, options.text("ids"), ref.id) if "ids" in options else None
        ids = None if given is None else given_ids(given, ref.id)
        texts = "text" in options or not any(map(_is_image, data.features.values()))
        column = _column(
            options, *(("text", data, _is_text) if texts else ("images", data, _is_image))
        )
        if not texts:
            data = data.cast_column(column, datasets.Image(decode=False))
        items = data.select_columns([column]).with_format("arrow")
        root = _root(ref)
        files = None if texts else _files(items, root, ref.id)
        if ids is None and files is not None:
            ids = _file_ids(files.paths, root)
        known: dict[str, Any] = {"classes": space, "origin": options.origin(len(labels))}
        known["data"] = items
        known["testset"] = testset = classification(
            options,
            ids or row_ids(len(labels)),
            labels,
            space,
            ids_given=ids is not None,
            strata=strata,
        )
        rows = testset.ids.tolist()
        if files is None:
            digest = content_digest(rows, lambda row: _text(items, row, ref.id).encode())
            return TextReader(**known, item="text", reading=f"text/1 bytes={digest}")

        def read(row: int) -> bytes:
            source = _image(items, row, root, ref.id)
            return source if isinstance(source, bytes) else source.read_bytes()

        content = options.flag("content")
        digest = content_digest(rows, read) if content else sizes_digest(rows, files.sizes)
        decoding = decoding_of(options)
        return DatasetReader(
            **known,
            item="image",
            reading=f"{decoding.text} bytes={digest}",
            decoding=decoding,
            root=root,
        )


ADAPTER = HuggingFace()


@dataclass(frozen=True, slots=True)
class _Files:
    """What is known of the images without reading them."""

    paths: list[str | None]
    sizes: list[int]


def _root(ref: TestSetRef) -> Path | None:
    """Folder that images must lie in; ``None`` where the library keeps them in its cache."""
    path = Path(ref.path)
    if not path.exists():
        return None
    return path if path.is_dir() else path.parent


def _files(items: datasets.Dataset, root: Path | None, where: str) -> _Files:
    paths: list[str | None] = []
    sizes: list[int] = []
    for table in items.iter(batch_size=1000):
        data, name_column = table.flatten().columns
        lengths, names = pc.binary_length(data).to_pylist(), name_column.to_pylist()
        for size, name in zip(lengths, names, strict=True):
            at = f"{where}: row {len(sizes)}"
            sizes.append(size or size_of(_checked(name, root, at), at))
            paths.append(name)
    return _Files(paths, sizes)


def _checked(name: str | None, root: Path | None, where: str) -> Path:
    """File of an image whose bytes are not in the data."""
    if not name:
        raise DataError(f"{where}: an image without bytes or path.")
    path = Path(name)
    if root is None:
        return path
    if path.is_absolute() and path.is_relative_to(root):
        name = str(path.relative_to(root))
    return inside(root, name, where)


def _file_ids(paths: list[str | None], root: Path | None) -> list[str] | None:
    """File names as ids, where every image has one of its own; none that name this machine."""
    if not all(paths):
        return None
    found = [Path(path) for path in paths if path]
    if root is not None and all(path.is_relative_to(root) for path in found):
        return [path.relative_to(root).as_posix() for path in found]
    names = [path.name if path.is_absolute() else path.as_posix() for path in found]
    return names if len(set(names)) == len(names) else None


def _image(items: datasets.Dataset, row: int, root: Path | None, where: str) -> Path | bytes:
    record = items[row].column(0)[0].as_py()
    if record and record["bytes"]:
        return bytes(record["bytes"])
    return _checked(record["path"] if record else None, root, f"{where}: row {row}")


def _text(items: datasets.Dataset, row: int, where: str) -> str:
    text = items[row].column(0)[0].as_py()
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: row {row}: no text.", "Remove or complete the row.")
    return text


def _is_image(feature: Any) -> bool:
    """Whether a column can hold images: also bytes, and bytes with a path, that nobody called so."""
    if isinstance(feature, dict):
        return set(feature) == {"bytes", "path"}
    return isinstance(feature, datasets.Image) or getattr(feature, "dtype", "") == "binary"


def _is_text(feature: Any) -> bool:
    return getattr(feature, "dtype", "") in {"string", "large_string"}


def _is_label(feature: Any) -> bool:
    return isinstance(feature, datasets.ClassLabel)


def _column(
    options: Options, option: str, data: datasets.Dataset, fits: Callable[[Any], bool]
) -> str:
    """Column for an option: the one it names, the only one of its type, or one of a usual name."""
    asked, names = options.text(option), data.column_names
    if asked and asked not in names:
        raise UsageError(
            f"{options.ref.id}: {options.ref.path} has no column {asked!r}.",
            did_you_mean(asked, names),
        )
    usual = {"labels": LABEL_NAMES, "text": ("text",)}.get(option, ("image",))
    fitting = [name for name in names if fits(data.features[name])]
    found = [asked] if asked else [name for name in names if name in usual]
    found = found if len(fitting) != 1 or asked else fitting
    if len(found) != 1:
        raise UsageError(
            f"{options.ref.id}: which column holds the {option}? There are {', '.join(names)}.",
            f"Add {option}: COLUMN.",
        )
    return found[0]


def _values(data: datasets.Dataset, name: str, where: str) -> list[Any]:
    if name not in data.column_names:
        raise UsageError(f"{where}: no column {name!r}.", did_you_mean(name, data.column_names))
    values = data.select_columns([name]).with_format("arrow")[:].column(0).to_pylist()
    return list(values)


def _labels(options: Options, data: datasets.Dataset, column: str) -> tuple[Labels, ClassSpace]:
    """Labels as class ids of the declared classes, else of those that the data name."""
    values = np.array(_values(data, column, options.ref.id), dtype=object)
    where, declared = f"{options.ref.id}: {column}", declared_classes(options)
    feature = data.features[column]
    if not isinstance(feature, datasets.ClassLabel):
        return to_labels(values, declared, where)
    own = ClassSpace("", tuple(feature.names))
    return in_declared(to_labels(values, own, where)[0], own, declared, where)
