"""The store on a file system: Parquet files with a JSON commit marker beside each.

::

    store.json                                            format version
    testsets/<id>/{testset.json, items.parquet}
    cells/<test set>/<model>/<identity>/{predictions.parquet, cell.json, scores.npy}
    failures/<test set>/<model>.json                      why a cell could not be made
    partial/<identity>/                                   rows of a cell that is being made

``cell.json`` marks a cell as done.  Everything is written to a staging folder first and renamed
into place at the end of a batch, so an import that fails leaves the store as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError, StoreError, did_you_mean
from freshset.core.files import pretty_json, read_json, sha256_file
from freshset.core.identifiers import slug
from freshset.core.identity import CellSpec
from freshset.core.records import Cell, Matrix, TestSet
from freshset.store.base import Failure, Partial, Store
from freshset.store.columns import from_table
from freshset.store.failures import failure_files, read_failure, write_failure
from freshset.store.recording import (
    PartialRecording,
    read_partials,
    start_recording,
    sweep_partials,
)
from freshset.store.stage import sweep_stages, write_staged
from freshset.store.staging import Recorded, StagedBatch
from freshset.store.testsets import FIELDS, read_testset

SCHEMA = "freshset.store/1"
_FORMAT = 1


class ParquetStore:
    """A store in a folder; see `freshset.store.base.Store` for the methods' contracts.

    Parameters
    ----------
    path
        The folder.
    create
        Whether a missing folder is an empty store that the first batch makes.

    Raises
    ------
    StoreError
        When the folder is missing, is no store, or was written by a newer version.
    """

    def __init__(self, path: Path | str, *, create: bool = False) -> None:
        self.path = Path(path)
        if not (self.path / "store.json").exists():
            self._check_absent(create)
        else:
            self._check_version()

    @property
    def location(self) -> str:
        return str(self.path)

    def testsets(self) -> tuple[str, ...]:
        found = (self.path / "testsets").glob("*/testset.json")
        return tuple(sorted(self._head(path)["id"] for path in found))

    def testset(self, testset: str) -> TestSet:
        folder = self.path / "testsets" / slug(testset)
        if not (folder / "testset.json").exists():
            raise StoreError(
                f"{self.path}: no test set {testset!r}.", did_you_mean(testset, self.testsets())
            )
        head = self._head(folder / "testset.json")
        items = folder / "items.parquet"
        return read_testset(head, _read_table(items) if head["items"] else None, items)

    def cells(self, testset: str | None = None, model: str | None = None) -> tuple[Cell, ...]:
        # A slug holds no character that a glob pattern could take for its own.
        folder = "/".join("*" if name is None else slug(name) for name in (testset, model))
        found: dict[tuple[str, str], list[Cell]] = {}
        # The markers' paths are the only index: nothing derived is ever authoritative.
        for marker in sorted((self.path / "cells").glob(f"{folder}/*/cell.json")):
            cell = self._read_cell(marker)
            found.setdefault((cell.spec.testset, cell.spec.model), []).append(cell)
        return tuple(self._current(cells) for _, cells in sorted(found.items()))

    def matrix(self, testset: str, models: Sequence[str]) -> Matrix:
        columns, cells = self._columns(testset, models, "label_rank")
        ranks = np.stack(columns).astype(np.int16, copy=False)
        for cell, hits in zip(cells, (ranks == 1).sum(axis=1), strict=True):
            said = cell.correct.get("top1", cell.correct.get("exact-match"))
            if said != hits:
                raise StoreError(
                    f"{self.data_file(cell)}: {hits:,} right where its cell.json says "
                    f"{said:,.0f}; one of the two was changed.",
                    "Delete the cell's folder and import again.",
                )
        return Matrix(testset, tuple(models), ranks, tuple(cell.k for cell in cells))

    def predictions(self, testset: str, models: Sequence[str]) -> npt.NDArray[np.int32]:
        columns, _ = self._columns(testset, models, "pred")
        return np.stack(columns).astype(np.int32, copy=False)

    def item_ids(self, cell: Cell) -> npt.NDArray[np.object_]:
        return from_table(_read_table(self.data_file(cell), ["item_id"]))["item_id"]

    def columns(self, cell: Cell) -> dict[str, npt.NDArray[Any]]:
        return {} if cell.kind == "counts" else from_table(_read_table(self.data_file(cell)))

    def scores(self, cell: Cell) -> npt.NDArray[np.float16] | None:
        path = self.path / cell_folder(cell) / "scores.npy"
        if not cell.scores_sha256:
            return None
        scores: npt.NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
        return scores

    def damaged(self) -> tuple[str, ...]:
        out = []
        for cell in self.cells():
            path = self.data_file(cell)
            if cell.kind == "counts":
                continue
            if not path.exists():
                out.append(f"{path}: missing, although its cell.json says it was written.")
            elif path.stat().st_size != cell.bytes or sha256_file(path) != cell.sha256:
                out.append(f"{path}: its bytes are not those that were written.")
            scores = path.parent / "scores.npy"
            if cell.scores_sha256 and not scores.exists():
                out.append(f"{scores}: missing, although its cell.json says it was written.")
            elif cell.scores_sha256 and sha256_file(scores) != cell.scores_sha256:
                out.append(f"{scores}: its bytes are not those that were written.")
        return tuple(out)

    @contextmanager
    def batch(self, *, replace: bool = False) -> Iterator[StagedBatch]:
        existed = self.path.exists()
        batch = StagedBatch(self, replace=replace)
        try:
            yield batch
            self._mark()
            batch.commit()
        finally:
            batch.discard()
            if not existed and self.path.exists() and not (self.path / "store.json").exists():
                shutil.rmtree(self.path)

    def stored(self) -> dict[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for testset in _folders(self.path / "cells"):
            for model in _folders(testset):
                # Plain strings: there may be tens of thousands of cells, and plans wait for this.
                names = os.listdir(model)  # noqa: PTH208
                done = {n for n in names if os.path.exists(f"{model.path}/{n}/cell.json")}  # noqa: PTH110
                if done:
                    found[testset.name, model.name] = done
        return found

    def recording(
        self, spec: CellSpec, testset: TestSet, *, replace: bool = False
    ) -> PartialRecording | None:
        def put(cell: Recorded) -> Cell | None:
            with self.batch(replace=replace) as batch:
                return batch.put(cell)

        return start_recording(self.path, spec, testset, put)

    def partials(self) -> dict[str, Partial]:
        return read_partials(self.path)

    def failures(self) -> tuple[Failure, ...]:
        return tuple(read_failure(self._read(path)) for path in failure_files(self.path))

    def put_failure(self, failure: Failure) -> None:
        self._mark()
        write_failure(self.path, failure)

    def sweep(self) -> None:
        sweep_stages(self.path)
        stored = self.stored()
        for (testset, model), found in stored.items():
            if len(found) > 1:
                self._sweep_replaced(self.path / "cells" / testset / model)
        sweep_partials(self.path, set().union(*stored.values()) if stored else set())

    def data_file(self, cell: Cell) -> Path:
        """Path of the Parquet file of a cell."""
        return self.path / cell_folder(cell) / "predictions.parquet"

    def _mark(self) -> None:
        """Make the folder a store, if it is none yet."""
        if not (self.path / "store.json").exists():
            write_staged(self.path, self.path / "store.json", pretty_json({"schema": SCHEMA}))

    def _sweep_replaced(self, folder: Path) -> None:
        cells = [self._read_cell(marker) for marker in sorted(folder.glob("*/cell.json"))]
        replaced = {identity for cell in cells for identity in cell.replaces}
        for cell in cells:
            if cell.spec.identity in replaced:
                shutil.rmtree(self.path / cell_folder(cell), ignore_errors=True)

    def _columns(
        self, testset: str, models: Sequence[str], column: str
    ) -> tuple[list[npt.NDArray[Any]], list[Cell]]:
        if not models:
            raise StoreError(f"{self.path}: no models asked for on {testset!r}.")
        by_model = {cell.spec.model: cell for cell in self.cells(testset)}
        head = self._head(self.path / "testsets" / slug(testset) / "testset.json")
        cells = []
        for model in models:
            cell = by_model.get(model)
            if cell is None or cell.kind == "counts":
                raise StoreError(f"{self.path}: no predictions of {model!r} on {testset!r}.")
            if cell.spec.fingerprint != head["fingerprint"]:
                raise StoreError(
                    f"{self.data_file(cell)}: was scored on another version of {testset!r} than "
                    "the store holds.",
                    "Import the model's predictions again.",
                )
            cells.append(cell)
        return [self._column(cell, column) for cell in cells], cells

    def _column(self, cell: Cell, column: str) -> npt.NDArray[Any]:
        path = self.data_file(cell)
        values: npt.NDArray[Any] = _read_table(path, [column]).column(column).to_numpy()
        if len(values) != cell.n:
            raise StoreError(
                f"{path}: {len(values)} rows where its cell.json says {cell.n}.",
                "Delete the cell's folder and import again.",
            )
        return values

    def _current(self, cells: list[Cell]) -> Cell:
        replaced = {identity for cell in cells for identity in cell.replaces}
        left = [cell for cell in cells if cell.spec.identity not in replaced]
        if len(left) != 1:
            names = ", ".join(str(self.path / cell_folder(cell)) for cell in cells)
            raise StoreError(
                f"Two cells of {cells[0].spec.model!r} on {cells[0].spec.testset!r}: {names}.",
                "Delete the folder of the one that is wrong.",
            )
        return left[0]

    def _read_cell(self, marker: Path) -> Cell:
        try:
            cell = Cell.from_dict(self._read(marker))
        except (KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{marker}: not a cell ({error}).", "Delete its folder and import again."
            ) from error
        if marker.parent != self.path / cell_folder(cell):
            raise StoreError(
                f"{marker}: its content does not match its folder.",
                "The file was edited or moved; delete its folder and import again.",
            )
        return cell

    def _head(self, path: Path) -> Any:
        head = self._read(path)
        missing = [name for name in FIELDS if name not in head]
        if missing:
            raise StoreError(
                f"{path}: no field {missing[0]!r}.", "Restore the file from a copy of the store."
            )
        return head

    def _read(self, path: Path) -> Any:
        data = read_json(path)
        if not isinstance(data, dict) or not str(data.get("schema", "")).startswith("freshset."):
            raise StoreError(f"{path}: not a freshset file.", "Restore it from a copy.")
        version = data["schema"].rpartition("/")[2]
        if not version.isdigit() or int(version) > _FORMAT:
            raise StoreError(
                f"{path}: written by a newer version of freshset ({data['schema']}).",
                "Upgrade freshset: pip install --upgrade freshset.",
            )
        return data

    def _check_version(self) -> None:
        schema = self._read(self.path / "store.json")["schema"]
        if not schema.startswith("freshset.store/"):
            raise StoreError(f"{self.path / 'store.json'}: says {schema!r}, not a store.")

    def _check_absent(self, create: bool) -> None:
        if not self.path.exists():
            if not create:
                raise StoreError(
                    f"{self.path}: no such store.",
                    "Make one with 'freshset import', for example "
                    "'freshset import predictions FILE --testset ID --labels FILE --store "
                    f"{self.path}'.",
                )
        elif not self.path.is_dir():
            raise StoreError(f"{self.path}: is a file, not a store.")
        elif any(p for p in self.path.iterdir() if not p.name.startswith(".staging-")):
            raise StoreError(
                f"{self.path}: is neither empty nor a store (no store.json).",
                "Give another folder.",
            )


def opened(store: Store | Path | str, *, create: bool = False) -> Store:
    """Return a store as it is, or open the folder that is named."""
    return ParquetStore(store, create=create) if isinstance(store, (str, Path)) else store


def make_store(path: Path) -> None:
    """Make a folder a store, if it is none yet, for those who keep no cells in it.

    Raises
    ------
    StoreError
        When the folder holds something else, or a newer store.
    """
    with ParquetStore(path, create=True).batch():
        pass


def cell_folder(cell: Cell) -> Path:
    """Folder of a cell, relative to the store."""
    spec = cell.spec
    return Path("cells", slug(spec.testset), slug(spec.model), spec.identity[:12])


def _folders(path: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []


def _read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns, use_threads=False)
    except FileNotFoundError as error:
        raise StoreError(
            f"{path}: missing.", "Delete the cell's folder and import again."
        ) from error
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file; it may be truncated.",
            "Delete the cell's folder and import again.",
        ) from error
