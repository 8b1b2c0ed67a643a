"""A batch of writes to a Parquet store: staged, then renamed into place."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import StoreError
from freshset.core.files import canonical_json, pretty_json, sha256_bytes, sha256_file
from freshset.core.identifiers import slug
from freshset.core.records import Cell, CellSpec, TestSet, label_ranks
from freshset.store.base import Counts, Examples


class _Reader(Protocol):
    @property
    def path(self) -> Path: ...
    def testset(self, testset: str) -> TestSet: ...
    def testsets(self) -> tuple[str, ...]: ...
    def cells(self, testset: str | None = None) -> tuple[Cell, ...]: ...


class StagedBatch:
    """Collects test sets and cells in a staging folder inside the store.

    `commit` renames each finished folder into place; `discard` removes whatever is left.
    """

    def __init__(self, store: _Reader, *, replace: bool) -> None:
        self._store = store
        self._replace = replace
        self._stage: Path | None = None
        self._numbers = itertools.count()
        self._moves: dict[Path, Path] = {}
        self._superseded: list[Path] = []
        self._testsets: dict[str, TestSet] = {}
        self._new_testsets: set[str] = set()
        self._current: dict[str, dict[str, Cell]] = {}

    def put_testset(self, testset: TestSet) -> None:
        """Add a test set, or check that the stored one is the same.

        Raises
        ------
        StoreError
            When the store holds a test set of this id with other items, labels or classes.
        """
        stored = self._known_testset(testset.id)
        if stored is not None:
            if stored.n != testset.n:
                raise StoreError(
                    f"{testset.id!r} has {stored.n:,} items in the store, not {testset.n:,}.",
                    "Use another test-set id or another store.",
                )
            if stored.has_items and testset.has_items:
                _check_same(stored, testset)
            if stored.has_items or not testset.has_items:
                return
        self._testsets[testset.id] = testset
        self._new_testsets.add(testset.id)
        folder = self._new_folder()
        if testset.has_items:
            table = pa.table(
                {
                    "item_id": pa.array(testset.ids, pa.string()),
                    "label": pa.array(testset.known_labels, pa.int32()),
                }
            )
            pq.write_table(table, folder / "items.parquet", compression="zstd")
        head = {
            "schema": "freshset.testset/1",
            "id": testset.id,
            "n": testset.n,
            "n_classes": testset.n_classes,
            "items": testset.has_items,
            "ids_given": testset.ids_given,
            "class_names": list(testset.class_names),
            "fingerprint": testset.fingerprint,
        }
        (folder / "testset.json").write_text(pretty_json(head), encoding="utf-8")
        self._moves[Path("testsets", slug(testset.id))] = folder

    def put(self, cell: Examples | Counts) -> Cell | None:
        """Stage a cell; returns ``None`` when exactly this cell is stored already.

        Raises
        ------
        StoreError
            When the model already has another cell on this test set that came from another file.
        """
        testset = self._known_testset(cell.testset)
        if testset is None:
            raise StoreError(f"The test set {cell.testset!r} is not in the store.")
        done = _examples_cell(cell, testset) if isinstance(cell, Examples) else _counts_cell(cell)
        current = self._cells_of(cell.testset)
        before = current.get(cell.model)
        if before is not None:
            if before.spec.identity == done.spec.identity:
                return None
            self._check_replaceable(before, done)
            gone = {*before.replaces, before.spec.identity} - {done.spec.identity}
            done = replace(done, replaces=tuple(sorted(gone)))
        folder = self._new_folder()
        if isinstance(cell, Examples):
            path = folder / "predictions.parquet"
            _write_predictions(path, cell, testset, done.spec)
            done = replace(done, bytes=path.stat().st_size, sha256=sha256_file(path))
        (folder / "cell.json").write_text(pretty_json(done.to_dict()), encoding="utf-8")
        place = Path("cells", slug(cell.testset), slug(cell.model))
        self._moves[place / done.spec.identity[:12]] = folder
        if before is not None:
            self._superseded.append(place / before.spec.identity[:12])
        current[cell.model] = done
        return done

    def commit(self) -> None:
        """Make everything that was staged visible, test sets before the cells that need them."""
        if not self._moves:
            return
        # One flush of the file system is far cheaper than one a file, and comes before any rename.
        if hasattr(os, "sync"):
            os.sync()
        self._check_testsets_again()
        for place in self._moves:
            # Before the first rename, so that a folder that cannot be made changes nothing.
            (self._store.path / place).parent.mkdir(parents=True, exist_ok=True)
        for place, staged in sorted(
            self._moves.items(), key=lambda move: move[0].parts[0] == "cells"
        ):
            target = self._store.path / place
            if (target / "cell.json").exists():
                continue  # another process wrote the same cell meanwhile
            # What is left is a test set that gains its items, or a cell that was never finished.
            shutil.rmtree(target, ignore_errors=True)
            staged.replace(target)
        for place in self._superseded:
            if place not in self._moves:
                shutil.rmtree(self._store.path / place, ignore_errors=True)
        self._moves.clear()

    def _check_testsets_again(self) -> None:
        """Look once more: another process may have stored a test set of this id meanwhile."""
        stored = set(self._store.testsets())
        for name in self._new_testsets & stored:
            _check_same(self._store.testset(name), self._testsets[name])

    def discard(self) -> None:
        """Remove the staging folder."""
        if self._stage is not None:
            shutil.rmtree(self._stage, ignore_errors=True)

    def _new_folder(self) -> Path:
        if self._stage is None:
            self._store.path.mkdir(parents=True, exist_ok=True)
            self._stage = Path(tempfile.mkdtemp(prefix=".staging-", dir=self._store.path))
        folder = self._stage / str(next(self._numbers))
        folder.mkdir()
        return folder

    def _known_testset(self, testset: str) -> TestSet | None:
        if testset not in self._testsets and testset in self._store.testsets():
            self._testsets[testset] = self._store.testset(testset)
        return self._testsets.get(testset)

    def _cells_of(self, testset: str) -> dict[str, Cell]:
        if testset not in self._current:
            cells = self._store.cells(testset)
            self._current[testset] = {cell.spec.model: cell for cell in cells}
        return self._current[testset]

    def _check_replaceable(self, before: Cell, after: Cell) -> None:
        # The same file read again with another repair corrects a cell; anything else overwrites it.
        if self._replace or (before.source.sha256 and before.source.sha256 == after.source.sha256):
            return
        raise StoreError(
            f"{after.source.file or after.spec.model}: the store already holds other results of "
            f"{after.spec.model!r} on {after.spec.testset!r} (from {before.source.file!r}).",
            "Give the model another name, or overwrite with --replace.",
        )


def _examples_cell(cell: Examples, testset: TestSet) -> Cell:
    topk = np.ascontiguousarray(cell.topk, dtype="<i4")
    content = sha256_bytes(repr(topk.shape).encode() + topk.tobytes())
    rank = label_ranks(topk, testset.known_labels)
    correct = {"top1": float(np.count_nonzero(rank == 1))}
    if topk.shape[1] >= 5:
        correct["top5"] = float(np.count_nonzero((rank >= 1) & (rank <= 5)))
    spec = CellSpec(cell.model, cell.testset, testset.fingerprint, content, cell.repair)
    return Cell(spec, "examples", len(topk), topk.shape[1], correct, source=cell.source)


def _counts_cell(cell: Counts) -> Cell:
    known = {"n": cell.n, "correct": dict(cell.correct), "approximate": cell.approximate}
    spec = CellSpec(
        cell.model,
        cell.testset,
        TestSet(cell.testset, cell.n).fingerprint,
        sha256_bytes(canonical_json(known)),
    )
    return Cell(spec, "counts", cell.n, 0, cell.correct, cell.approximate, cell.source)


def _write_predictions(path: Path, cell: Examples, testset: TestSet, spec: CellSpec) -> None:
    topk = np.ascontiguousarray(cell.topk, dtype=np.int32)
    rank = label_ranks(topk, testset.known_labels)
    columns = {
        "item_id": pa.array(testset.ids, pa.string()),
        "label": pa.array(testset.known_labels, pa.int32()),
        "pred": pa.array(topk[:, 0], pa.int32()),
        "correct": pa.array(rank == 1),
        "label_rank": pa.array(rank, pa.int16()),
    }
    if topk.shape[1] > 1:
        flat = pa.array(topk.ravel(), pa.int32())
        columns["topk_id"] = pa.FixedSizeListArray.from_arrays(flat, topk.shape[1])
    # A file that is found alone still says what it is.
    meta = {b"freshset": canonical_json({"schema": "freshset.cell/1", "spec": spec.to_dict()})}
    table = pa.table(columns).replace_schema_metadata(meta)
    pq.write_table(table, path, compression="zstd")


def _check_same(stored: TestSet, new: TestSet) -> None:
    if stored.fingerprint == new.fingerprint:
        return
    if stored.item_ids is None or new.item_ids is None:
        return
    other = np.flatnonzero(stored.item_ids != new.item_ids)
    if other.size:
        what = f"other items (row {other[0]}: {new.item_ids[other[0]]!r})"
    else:
        labels = np.flatnonzero(np.asarray(stored.labels) != np.asarray(new.labels))
        what = (
            f"other labels ({labels.size} differ, first at row {labels[0]})"
            if labels.size
            else f"{new.n_classes} classes instead of {stored.n_classes}"
        )
    raise StoreError(
        f"{new.id!r} is in the store already, with {what}.",
        "Use another test-set id, for example with a version in it, or another store.",
    )
