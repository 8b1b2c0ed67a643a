"""A cell in the making: its rows lie in numbered files until all of them are there.

::

    partial/<identity>.lock                 held by the process that makes the cell
    partial/<identity>/rows-000000001024.npz    rows from 1,024 on

Each file is written whole or not at all, so that a process that dies loses only the rows since its
last file, and the next one goes on where it stopped.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from filelock import FileLock

from freshset.core.errors import StoreError
from freshset.core.files import canonical_json, sha256_file, write_atomic
from freshset.core.identity import CellSpec
from freshset.core.records import Cell, Source, TestSet
from freshset.store.array_file import ArrayFile
from freshset.store.base import Partial
from freshset.store.columns import Columns, Totals, to_table, with_truth
from freshset.store.failures import remove_failure
from freshset.store.stage import is_locked, remove_if_empty, try_lock, unlock
from freshset.store.staging import Recorded

_ROW_GROUP = 65_536
_RUNTIME = "_runtime"


Writer = Callable[[Recorded], Cell | None]


class PartialRecording:
    """See `freshset.store.base.Recording`.

    Parameters
    ----------
    store
        Folder of the store.
    lock
        Held on the cell's identity.
    put
        Puts the finished cell into the store.
    """

    def __init__(
        self,
        store: Path,
        spec: CellSpec,
        testset: TestSet,
        lock: FileLock,
        put: Writer,
    ) -> None:
        self._store = store
        self._folder = partial_folder(store, spec)
        self._spec = spec
        self._testset = testset
        self._lock = lock
        self._put = put
        self._runtime: dict[str, str] = {}
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.glob(".*"):
            left.unlink()  # a file that was not written whole
        self._done = self._rows_on_disk()

    @property
    def done(self) -> int:
        return self._done

    def append(self, columns: Columns, runtime: Mapping[str, str]) -> None:
        rows = {len(values) for values in columns.values()}
        if len(rows) != 1 or self._done + max(rows) > self._testset.n:
            raise StoreError(
                f"{self._spec.model} on {self._spec.testset}: rows that do not fit: {sorted(rows)} "
                f"after {self._done} of {self._testset.n}."
            )
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {name: _plain(values) for name, values in columns.items()}
        arrays[_RUNTIME] = np.array(canonical_json(dict(runtime)).decode())
        np.savez(buffer, **arrays)
        write_atomic(self._folder / f"rows-{self._done:012d}.npz", buffer.getvalue())
        self._done += rows.pop()

    def finish(self) -> Cell:
        if self._done != self._testset.n:
            raise StoreError(
                f"{self._spec.model} on {self._spec.testset}: {self._done:,} rows of "
                f"{self._testset.n:,}."
            )
        # Before the cell: a crash in between must not leave both.
        remove_failure(self._store, self._spec.testset, self._spec.model)
        cell = self._put(Recorded(self._spec, self._write))
        shutil.rmtree(self._folder, ignore_errors=True)
        if cell is None:
            raise StoreError(f"{self._spec.model} on {self._spec.testset}: is stored already.")
        return cell

    def close(self) -> None:
        remove_if_empty(self._folder)
        unlock(self._lock)

    def _rows_on_disk(self) -> int:
        done = 0
        for path in sorted(self._folder.glob("rows-*.npz")):
            if int(path.stem.removeprefix("rows-")) != done:
                raise StoreError(
                    f"{path}: rows {done:,} to there are missing.", f"Delete {path.parent}."
                )
            done += _length(path)
        return done

    def _write(self, folder: Path) -> Cell:
        totals = Totals()
        path = folder / "predictions.parquet"
        scores = ArrayFile(folder / "scores.npy", self._testset.n, np.float16)
        writer: pq.ParquetWriter | None = None
        try:
            for columns in self._row_groups(scores):
                totals.add(columns)
                table = to_table(columns, self._spec)
                writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
                writer.write_table(table, row_group_size=_ROW_GROUP)
        finally:
            if writer is not None:
                writer.close()
            scores.close()
        return Cell(
            self._spec,
            "examples",
            totals.n,
            totals.k,
            totals.correct,
            source=Source("run"),
            bytes=path.stat().st_size,
            sha256=sha256_file(path),
            values=totals.values,
            runtime=self._runtime,
            scores_sha256=scores.sha256,
        )

    def _row_groups(self, scores: ArrayFile) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """Rows in groups of one size, whatever the sizes of the files they come from."""
        waiting: list[dict[str, npt.NDArray[Any]]] = []
        start = rows = 0
        for path in sorted(self._folder.glob("rows-*.npz")):
            with np.load(path, allow_pickle=False) as stored:
                columns = {name: stored[name] for name in stored.files}
            self._runtime = json.loads(str(columns.pop(_RUNTIME)))
            if "scores" in columns:
                scores.append(columns.pop("scores"))
            waiting.append(columns)
            rows += len(next(iter(columns.values())))
            while rows >= _ROW_GROUP or (rows and start + rows == self._testset.n):
                take = min(rows, _ROW_GROUP)
                joined = {k: np.concatenate([part[k] for part in waiting]) for k in waiting[0]}
                head = {k: values[:take] for k, values in joined.items()}
                yield with_truth(head, self._testset, slice(start, start + take))
                waiting = [{k: values[take:] for k, values in joined.items()}]
                start, rows = start + take, rows - take


def start_recording(
    store: Path,
    spec: CellSpec,
    testset: TestSet,
    put: Writer,
) -> PartialRecording | None:
    """Start or take up a recording; ``None`` when another process is at it."""
    lock = try_lock(partial_folder(store, spec))
    if lock is None:
        return None
    try:
        return PartialRecording(store, spec, testset, lock, put)
    except BaseException:
        unlock(lock)
        raise


def partial_folder(store: Path, spec: CellSpec) -> Path:
    """Where the rows of an unfinished cell lie."""
    return store / "partial" / spec.identity


def read_partials(store: Path) -> dict[str, Partial]:
    """Cells in the making by their identities; changes nothing."""
    found: dict[str, Partial] = {}
    for identity in {path.stem for path in (store / "partial").glob("*")}:
        folder = store / "partial" / identity
        files = sorted(folder.glob("rows-*.npz"))
        rows = 0
        if files:
            try:
                rows = int(files[-1].stem.removeprefix("rows-")) + _length(files[-1])
            except FileNotFoundError:  # the cell was finished meanwhile
                continue
        live = is_locked(folder)
        if rows or live:
            found[identity] = Partial(rows, live)
    return found


def sweep_partials(store: Path, stored: set[str]) -> None:
    """Remove rows whose cell is finished (by the first 12 digits of its identity), and dead locks."""
    root = store / "partial"
    if not root.exists():
        return
    for path in sorted(root.iterdir()):
        folder = path.with_suffix("")
        lock = try_lock(folder)
        if lock is None:
            continue
        if folder.exists() and (folder.name[:12] in stored or not any(folder.iterdir())):
            shutil.rmtree(folder, ignore_errors=True)
        unlock(lock)
    remove_if_empty(root)


def _length(path: Path) -> int:
    with np.load(path, allow_pickle=False) as stored:
        return len(stored[next(name for name in stored.files if name != _RUNTIME)])


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Object arrays would be pickled.
    return values.astype(str) if values.dtype.kind == "O" else values
