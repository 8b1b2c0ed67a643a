"""Images that a table lists: csv, tsv, jsonl or Parquet, with their paths or their bytes.

Options: ``images``, ``labels`` and ``ids`` (names of the columns), ``strata`` (columns by which scores
can be cut; by default all others that hold texts or numbers), ``classes`` (a known space, a number, a
list or file), ``separator`` (between the labels of images that show several classes, such as ``;``; lists
in jsonl need none but must be told of by it too), ``ignored`` (column of classes of which it does not
count whether the image shows them), ``root`` (folder of the images; by default that of the table),
``content`` (digest of all bytes, not of file sizes), ``sha256`` of the table, ``orientation``,
``max_pixels``, ``border``.

Paths may not lead out of the root.  Without a column of ids the paths are the ids; without paths,
row numbers.  A column of bytes (Parquet only) may be a struct with ``bytes`` and ``path``, as Hugging
Face writes it; of such a file one row group is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.records import AcceptSets, Labels
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.files import content_digest, inside, size_of, sizes_digest
from freshset.datasets.labels import LABEL_NAMES, declared_classes, to_labels
from freshset.datasets.opened import (
    IMAGE_OPTIONS,
    ImageReader,
    classification,
    decoding_of,
    given_ids,
    row_ids,
    stratum,
)
from freshset.datasets.options import Options
from freshset.datasets.parquet_bytes import BytesColumn, bytes_column
from freshset.datasets.rows import SUFFIXES, columns_of, scan
from freshset.datasets.several import Several, several_classes

_PATHS = ("path", "file", "file_name", "filename", "image_path", "image_file")
_BYTES = ("image", "bytes", "image_bytes", "img", "jpg")
_OPTIONS = (
    "images", "labels", "ids", "separator", "ignored", "strata", "classes", "root", "content", "sha256"
)  # fmt: skip
_NAMES = {
    "ignored": (),
    "images": (*_PATHS, *_BYTES),
    "labels": LABEL_NAMES,
    "ids": ("id", "item_id", "image_id", "example_id", "key"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReader(ImageReader):
    """Reads the files that a table names; see `freshset.datasets.base.Reader`."""

    root: Path
    names: tuple[str, ...]

    def source(self, index: int) -> tuple[Path, str]:
        """File of an item."""
        path = self.root / self.names[index]
        return path, str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesReader(ImageReader):
    """Reads images that lie in a Parquet file; see `freshset.datasets.base.Reader`."""

    column: BytesColumn

    def source(self, index: int) -> tuple[bytes, str]:
        """Bytes of an item."""
        return self.column.get(index), f"{self.column.path}: row {index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralPathReader(PathReader):
    """The same of images that show several; see `freshset.datasets.base.ShowsSeveral`."""

    ignored: AcceptSets


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralBytesReader(BytesReader):
    """The same of images that show several; see `freshset.datasets.base.ShowsSeveral`."""

    ignored: AcceptSets


@dataclass(frozen=True, slots=True)
class Manifest:
    """The adapter ``manifest``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a table of images.

        Raises
        ------
        UsageError
            For an option, file or column that does not exist.
        DataError
            For a path outside the root, a missing file, a label that is no class, an id that occurs
            twice; names the row.
        """
        options = Options(ref, (*_OPTIONS, *IMAGE_OPTIONS))
        path = options.path()
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{path}: unknown kind of table.", f"Use one of: {_listed(SUFFIXES)}.")
        if "sha256" in options:
            options.digest(path)
        try:
            return _open(options, path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: cannot be read ({error}).", "Copy the file again.") from error


ADAPTER = Manifest()


def _open(options: Options, path: Path) -> Reader:
    names = columns_of(path)
    images = _column(options, "images", names)
    column, notes = bytes_column(path, images) if _is_parquet(path) else (None, ())
    label = _column(options, "labels", names)
    ignored = _column(options, "ignored", names, optional=True)
    id = _column(options, "ids", names, optional=True)
    values = _values(path, names, images, column, {label, ignored})
    where = str(path)
    labels, space, several = _labels(options, values, label, ignored)
    # Paths are ids when the table has no others; of bytes, only where each has a path of its own.
    id = id or (images if images in values else "")
    testset = classification(
        options,
        given_ids(values[id], where) if id else row_ids(len(labels)),
        labels,
        space,
        ids_given=bool(id),
        strata=_strata(options, values, {images, label, ignored, id}, where),
    )
    decoding = decoding_of(options)
    known: dict[str, Any] = {
        "testset": testset,
        "classes": space,
        "item": "image",
        "origin": options.origin(testset.n),
        "notes": notes,
        "decoding": decoding,
    }
    if several is not None:
        known["testset"] = replace(testset, accepted=several.accepted)
        known["ignored"] = several.ignored
    if column is not None:
        digest = f"sha256:{options.digest(path)}"
        of_bytes = BytesReader if several is None else SeveralBytesReader
        return of_bytes(**known, reading=f"{decoding.text} bytes={digest}", column=column)
    root = options.ref.root / options.text("root") if "root" in options else path.parent
    files = tuple(values[images])
    digest = _digest(options, testset.ids.tolist(), root, files, where)
    of_paths = PathReader if several is None else SeveralPathReader
    return of_paths(**known, reading=f"{decoding.text} bytes={digest}", root=root, names=files)


def _labels(
    options: Options, values: Mapping[str, list[Any]], label: str, ignored: str
) -> tuple[Labels, ClassSpace, Several | None]:
    """Labels and classes; and what images show that show several, as ``separator`` says."""
    separator, where = options.text("separator"), options.ref.path
    space = declared_classes(options)
    if label not in values or (not separator and any(isinstance(v, list) for v in values[label])):
        raise DataError(
            f"{where}: the column {label!r} holds lists.",
            "Where images show several classes, say so with a separator, such as ';'.",
        )
    if not separator:
        if ignored:
            raise UsageError(
                f"{where}: 'ignored' is for images that show several classes.",
                "Say that they do with a separator, such as ';'.",
            )
        return *to_labels(np.array(values[label], dtype=object), space, where), None
    theirs = values[ignored] if ignored else None
    several = several_classes(values[label], theirs, separator, space, where)
    return several.labels, several.space, several


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _column(options: Options, option: str, names: Sequence[str], *, optional: bool = False) -> str:
    """Column for an option; empty when none is asked for and none has a usual name."""
    asked = options.text(option)
    found = asked or next((name for name in _NAMES[option] if name in names), "")
    if found in names or (optional and not asked):
        return found
    raise UsageError(
        f"{options.ref.path}: no column {found or _NAMES[option][0]!r}; it has {_listed(names)}.",
        (did_you_mean(found, names) if asked else f"Say which with the option {option!r}."),
    )


def _values(
    path: Path, names: Sequence[str], images: str, column: BytesColumn | None, lists: set[str]
) -> Mapping[str, list[Any]]:
    """All columns, but no bytes of images, and lists only where they may be."""
    if column is None:
        return scan(path, images, tuple(names))[1]
    schema = pq.read_schema(path)
    kinds = {name: schema.field(name).type for name in names}
    plain = [
        name
        for name, kind in kinds.items()
        if not pa.types.is_nested(kind) or (name in lists and pa.types.is_list(kind))
    ]
    plain = [name for name in plain if not _holds_bytes(kinds[name])]
    values = pq.read_table(path, columns=plain).to_pydict()
    if column.column != images and schema.field(images).type.get_field_index("path") >= 0:
        paths = pq.read_table(path, columns=[f"{images}.path"]).flatten().column(0).to_pylist()
        if len({one for one in paths if one}) == len(paths):
            values[images] = paths
    return values


def _holds_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _strata(
    options: Options, values: Mapping[str, list[Any]], taken: set[str], where: str
) -> dict[str, npt.NDArray[Any]]:
    asked = options.texts("strata")
    for name in asked:
        if name not in values:
            raise UsageError(f"{where}: no column {name!r}.", did_you_mean(name, values))
    if asked:
        return {name: stratum(values[name], name, where) for name in asked}
    out = {}
    for name in values:
        kinds = {type(value) for value in values[name]}
        if name not in taken and (kinds <= {str, type(None)} or kinds <= {int, float, bool}):
            out[name] = stratum(values[name], name, where)
    return out


def _digest(options: Options, ids: list[str], root: Path, files: Sequence[str], where: str) -> str:
    at = [f"{where}: row {row}" for row in range(len(files))]
    paths = [inside(root, name, one) for name, one in zip(files, at, strict=True)]
    sizes = [size_of(path, one) for path, one in zip(paths, at, strict=True)]
    if options.flag("content"):
        return content_digest(ids, lambda row: paths[row].read_bytes())
    return sizes_digest(ids, sizes)
