"""Vectors of a project's images, kept on disk beside it, so that each image is read once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from PIL import Image

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, write_atomic
from freshset.replication.duplicates.embedders import Embedder
from freshset.replication.duplicates.rows import NpyRows, Rows

Load = Callable[[str], Image.Image]

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


def update_vectors(folder: Path, embedder: Embedder, ids: Collection[str], load: Load) -> Vectors:
    """Bring the vectors of a folder up to date.

    Parameters
    ----------
    folder
        Holds ``rows.npy``, ``ids.txt`` and ``record.json``; made when it is not there.
    ids
        Of the images that shall have vectors.
    load
        Gives the picture of an id, upright RGB, or raises `DataError`; runs in several threads.

    Raises
    ------
    DataError
        When images are missing or damaged: one error that counts them and names the first.  What was
        in the folder is as it was.
    """
    ids = sorted(ids)
    record = {"embedder": embedder.name, **embedder.record}
    folder.mkdir(parents=True, exist_ok=True)
    # Of shards that start together one reads the images, and the others wait for it.
    with FileLock(folder / ".lock"):
        before = _known(folder, record)
        if before != ids or not ids:
            old = NpyRows(folder / "rows.npy") if before else None
            _write(folder, embedder, ids, load, (before, old))
            write_atomic(folder / "ids.txt", "".join(f"{one}\n" for one in ids))
            write_atomic(folder / "record.json", canonical_json(record))
        return Vectors(ids, NpyRows(folder / "rows.npy"), record)


def _known(folder: Path, record: Mapping[str, str]) -> list[str]:
    """Ids of the rows that are there; none where they were made otherwise."""
    try:
        told = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        ids = (folder / "ids.txt").read_text(encoding="utf-8").split()
        whole = NpyRows(folder / "rows.npy").shape[0] == len(ids)
    except (OSError, ValueError, DataError):
        return []
    return ids if told == record and whole else []


def _write(
    folder: Path,
    embedder: Embedder,
    ids: Sequence[str],
    load: Load,
    known: tuple[Sequence[str], Rows | None],
) -> None:
    # Rows, then ids, then the record are replaced: with a record that is not theirs none counts.
    new = folder / ".rows.npy.new"
    at = {one: row for row, one in enumerate(known[0])}
    try:
        with new.open("wb") as stream:
            header = {
                "descr": np.lib.format.dtype_to_descr(embedder.dtype),
                "fortran_order": False,
                "shape": (len(ids), embedder.dimension),
            }
            np.lib.format.write_array_header_1_0(stream, header)
            for block in _blocks(embedder, ids, load, at, known[1]):
                stream.write(np.ascontiguousarray(block).data)
            stream.flush()
            os.fsync(stream.fileno())
        (folder / "record.json").unlink(missing_ok=True)
        new.replace(folder / "rows.npy")
    finally:
        new.unlink(missing_ok=True)


def _blocks(
    embedder: Embedder,
    ids: Sequence[str],
    load: Load,
    at: Mapping[str, int],
    old: Rows | None,
) -> Iterator[npt.NDArray[Any]]:
    failures: list[DataError] = []

    def prepared(one: str) -> npt.NDArray[np.uint8] | DataError:
        try:
            return embedder.prepare(load(one))
        except DataError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            block = np.empty((len(batch), embedder.dimension), embedder.dtype)
            kept = [i for i, one in enumerate(batch) if one in at]
            if kept and old is not None:
                block[kept] = old[np.array([at[batch[i]] for i in kept], np.intp)]
            fresh = [i for i, one in enumerate(batch) if one not in at]
            results = list(pool.map(prepared, [batch[i] for i in fresh]))
            failures += [one for one in results if isinstance(one, DataError)]
            if fresh and not failures:
                block[fresh] = embedder.embed(
                    np.stack([one for one in results if not isinstance(one, DataError)])
                )
            yield block
    if failures:
        count = len(failures)
        more = f" {count - 1:,} more cannot be read either." if count > 1 else ""
        raise DataError(f"{failures[0].message}{more}", _HINT)
