"""WebDataset shards: tar files in which the files of a sample share a name.

The path may be local or any URL that fsspec opens (``s3://bucket/val-{000000..000049}.tar``), with
braces and globs.  Options: ``images`` (``jpg``, where samples have several images), ``labels`` (field
of the json file; by default the cls file, else a usual field), ``ids`` (field of the json file; by
default the samples' names, with that of the shard before it where two shards share names),
``strata`` (fields of the json file), ``classes`` (a known space, a number, a list or file), ``index``
(file that keeps where everything is, so that remote shards are scanned once), ``storage_options`` (for
fsspec), ``content`` (digest of all bytes, not of sizes), ``orientation``, ``max_pixels``, ``border``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.files import content_digest, sizes_digest
from freshset.datasets.images import SUFFIXES
from freshset.datasets.labels import LABEL_NAMES, declared_classes, to_labels
from freshset.datasets.opened import (
    IMAGE_OPTIONS,
    ImageReader,
    classification,
    decoding_of,
    given_ids,
    stratum,
)
from freshset.datasets.options import Options
from freshset.datasets.shards import (
    SIDECARS,
    Sample,
    find_shards,
    is_remote,
    read_range,
    scan_shards,
)

_OPTIONS = ("images", "labels", "ids", "strata", "classes", "index", "storage_options", "content")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardReader(ImageReader):
    """Reads ranges of tar files; see `freshset.datasets.base.Reader`."""

    urls: tuple[str, ...]
    shard: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    storage: Mapping[str, Any]

    def source(self, index: int) -> tuple[bytes, str]:
        """Bytes of an item."""
        url = self.urls[self.shard[index]]
        data = read_range(url, int(self.offset[index]), int(self.size[index]), self.storage)
        return data, f"{url}: {self.testset.ids[index]}"


@dataclass(frozen=True, slots=True)
class _Row:
    """A sample that is an item."""

    shard: int
    key: str
    place: tuple[int, int]
    label: Any
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WebDataset:
    """The adapter ``webdataset``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open the shards: find them, and scan their headers.

        Raises
        ------
        UsageError
            For an option or shard that does not exist, and remote shards when offline.
        DataError
            For a shard that is no whole tar file, or a sample without image or label; names it.
        """
        options = Options(ref, (*_OPTIONS, *IMAGE_OPTIONS))
        if ref.offline and is_remote(ref.path):
            raise UsageError(f"{ref.id}: {ref.path} is remote, and the run is offline.")
        storage = options.table("storage_options")
        urls = tuple(find_shards(ref.path, storage))
        index = ref.root / options.text("index") if "index" in options else None
        rows, other = _rows(options, urls, scan_shards(urls, storage, index))
        values = np.array([row.label for row in rows], dtype=object)
        labels, space = to_labels(values, declared_classes(options), ref.path)
        ids = _ids(options, rows, urls)
        fields = options.texts("strata")
        strata = {name: stratum(_column(rows, name, ref.path), name, ref.path) for name in fields}
        testset = classification(options, ids, labels, space, strata=strata)
        offset, size = np.array([row.place for row in rows], dtype=np.int64).T
        decoding = decoding_of(options)
        shard = np.array([row.shard for row in rows], dtype=np.int32)

        def read(row: int) -> bytes:
            return read_range(urls[shard[row]], int(offset[row]), int(size[row]), storage)

        content = options.flag("content")
        digest = content_digest(ids, read) if content else sizes_digest(ids, size.tolist())
        return ShardReader(
            testset=testset,
            classes=space,
            item="image",
            reading=f"{decoding.text} bytes={digest}",
            origin=options.origin(testset.n),
            notes=(f"{other:,} files of the shards belong to no image",) if other else (),
            decoding=decoding,
            urls=urls,
            shard=shard,
            offset=offset,
            size=size,
            storage=storage,
        )


ADAPTER = WebDataset()


def _rows(
    options: Options, urls: Sequence[str], shards: Sequence[Sequence[Sample]]
) -> tuple[list[_Row], int]:
    """Samples that are items, and the number of files that are of no use."""
    wanted, field = options.text("images"), options.text("labels")
    rows, other = [], 0
    for shard, samples in enumerate(shards):
        for sample in samples:
            where = f"{urls[shard]}: {sample.key}"
            kinds = [
                kind for kind in sample.files if (kind == wanted if wanted else _is_image(kind))
            ]
            if not kinds and not sample.texts:
                other += len(sample.files)
                continue
            if len(kinds) != 1:
                raise DataError(
                    f"{where}: {len(kinds)} images among {', '.join(sample.files)}.",
                    "Say which file is the image, for example images: jpg.",
                )
            fields = _fields(sample, where)
            label = _label(sample, fields, field, where)
            rows.append(_Row(shard, sample.key, sample.files[kinds[0]], label, fields))
            other += len(set(sample.files) - {*kinds, *SIDECARS})
    return rows, other


def _is_image(kind: str) -> bool:
    return f".{kind}" in SUFFIXES


def _fields(sample: Sample, where: str) -> Mapping[str, Any]:
    if "json" not in sample.texts:
        return {}
    try:
        fields = json.loads(sample.texts["json"])
    except json.JSONDecodeError as error:
        raise DataError(f"{where}.json: not valid JSON ({error.msg}).") from error
    return fields if isinstance(fields, dict) else {"label": fields}


def _label(sample: Sample, fields: Mapping[str, Any], field: str, where: str) -> Any:
    if not field and "cls" in sample.texts:
        return sample.texts["cls"].strip()
    name = field or next((name for name in LABEL_NAMES if name in fields), "")
    if name not in fields:
        raise DataError(
            f"{where}: no label.",
            did_you_mean(name, fields) if field else "Name the field of the json with 'labels'.",
        )
    return fields[name]


def _column(rows: Sequence[_Row], name: str, where: str) -> list[Any]:
    known = {field for row in rows for field in row.fields}
    if name not in known:
        raise UsageError(
            f"{where}: no field {name!r} in the json files.", did_you_mean(name, known)
        )
    return [row.fields.get(name) for row in rows]


def _ids(options: Options, rows: Sequence[_Row], urls: Sequence[str]) -> list[str]:
    if "ids" in options:
        return given_ids(_column(rows, options.text("ids"), options.ref.path), options.ref.path)
    keys = [row.key for row in rows]
    if len(set(keys)) == len(keys):
        return keys
    names = [url.rpartition("/")[2].removesuffix(".tar") for url in urls]
    return [f"{names[row.shard]}/{row.key}" for row in rows]
