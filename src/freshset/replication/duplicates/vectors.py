"""Vectors of a project's images, kept on disk beside it, so that each file is decoded once for all metrics."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from PIL import Image

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, write_atomic
from freshset.replication.duplicates.embedders import Embedder
from freshset.replication.duplicates.rows import NpyRows, Rows

Load = Callable[[str, bool], Image.Image]
_Prepared = dict[str, npt.NDArray[np.uint8]]

_BATCH = 128
_HINT = "Restore the files, or exclude the images: freshset testset blacklist"


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of images.

    Attributes
    ----------
    ids
        Of the images, rising.
    rows
        Their vectors.
    record
        What made them.
    """

    ids: Sequence[str]
    rows: Rows
    record: Mapping[str, str]


def update_vectors(
    root: Path, embedders: Sequence[Embedder], ids: Collection[str], load: Load
) -> list[Vectors]:
    """Bring the vectors of some metrics up to date, in one pass over the files.

    Parameters
    ----------
    root
        Has a folder for each metric, made when it is not there, with ``rows.npy``, ``ids.txt`` and
        ``record.json``.
    embedders
        Of different metrics.
    ids
        Of the images that shall have vectors.
    load
        Gives the picture of an id, upright RGB, or raises `DataError`: of the working copy when the
        second argument is true, else of the image itself.  Runs in several threads, and at most once for
        a picture.

    Returns
    -------
    Of each embedder, in order.

    Raises
    ------
    DataError
        When images are missing or damaged: one error that counts them and names the first.  What was
        in the folders is as it was.
    """
    ids = sorted(ids)
    tables = [_Table(root / one.name, one) for one in embedders]
    with ExitStack() as locks:
        # Of shards that start together one reads the images, and the others wait for it.  Locks are
        # taken in one order, so that no two wait for each other.
        for folder in sorted(table.folder for table in tables):
            folder.mkdir(parents=True, exist_ok=True)
            locks.enter_context(FileLock(folder / ".lock"))
        _write([table for table in tables if table.read() != ids or not ids], ids, load)
        return [Vectors(ids, table.rows(), table.record) for table in tables]


class _Table:
    """The vectors of one metric."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder, self.embedder = folder, embedder
        self.record = {"embedder": embedder.name, **embedder.record}
        self.at: Mapping[str, int] = {}

    def rows(self) -> NpyRows:
        return NpyRows(self.folder / "rows.npy")

    def read(self) -> list[str]:
        """Ids of the rows that are there; none where they were made otherwise."""
        try:
            told = json.loads((self.folder / "record.json").read_text(encoding="utf-8"))
            ids = (self.folder / "ids.txt").read_text(encoding="utf-8").split()
            whole = self.rows().shape[0] == len(ids)
        except (OSError, ValueError, DataError):
            return []
        if told != self.record or not whole:
            return []
        self.at = {one: row for row, one in enumerate(ids)}
        return ids

    @contextmanager
    def rewritten(self, ids: Sequence[str]) -> Iterator[BinaryIO]:
        """Take new rows, and put them in place of the old ones when all are there."""
        new = self.folder / ".rows.npy.new"
        try:
            with new.open("wb") as stream:
                header = {
                    "descr": np.lib.format.dtype_to_descr(self.embedder.dtype),
                    "fortran_order": False,
                    "shape": (len(ids), self.embedder.dimension),
                }
                np.lib.format.write_array_header_1_0(stream, header)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            # Rows, then ids, then the record are replaced: with a record that is not theirs none counts.
            (self.folder / "record.json").unlink(missing_ok=True)
            new.replace(self.folder / "rows.npy")
            write_atomic(self.folder / "ids.txt", "".join(f"{one}\n" for one in ids))
            write_atomic(self.folder / "record.json", canonical_json(self.record))
        finally:
            new.unlink(missing_ok=True)

    def block(self, batch: Sequence[str], prepared: Sequence[_Prepared]) -> npt.NDArray[Any]:
        """Rows of some images: the old ones, and those of pictures that were prepared for it."""
        block = np.empty((len(batch), self.embedder.dimension), self.embedder.dtype)
        kept = [i for i, one in enumerate(batch) if one in self.at]
        if kept:
            block[kept] = self.rows()[np.array([self.at[batch[i]] for i in kept], np.intp)]
        fresh = [i for i, one in enumerate(batch) if one not in self.at]
        if fresh:
            pictures = np.stack([prepared[i][self.embedder.name] for i in fresh])
            block[fresh] = self.embedder.embed(pictures)
        return block


def _write(tables: Sequence[_Table], ids: Sequence[str], load: Load) -> None:
    failures: list[DataError] = []

    def prepared(item: str) -> _Prepared | DataError:
        picture = cache(lambda from_copy: load(item, from_copy))
        lacking = [table.embedder for table in tables if item not in table.at]
        try:
            return {one.name: one.prepare(picture(one.from_copy)) for one in lacking}
        except DataError as error:
            return error

    with ExitStack() as stack:
        streams = [stack.enter_context(table.rewritten(ids)) for table in tables]
        pool = stack.enter_context(ThreadPoolExecutor(os.cpu_count() or 1))
        for start in range(0, len(ids) if tables else 0, _BATCH):
            batch = ids[start : start + _BATCH]
            results = list(pool.map(prepared, batch))
            good = [one for one in results if not isinstance(one, DataError)]
            failures += [one for one in results if isinstance(one, DataError)]
            if not failures:
                for table, stream in zip(tables, streams, strict=True):
                    stream.write(np.ascontiguousarray(table.block(batch, good)).data)
        if failures:
            count = len(failures)
            more = f" {count - 1:,} more cannot be read either." if count > 1 else ""
            raise DataError(f"{failures[0].message}{more}", _HINT)
