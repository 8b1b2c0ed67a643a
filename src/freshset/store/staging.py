"""A batch of writes to a Parquet store: staged, then renamed into place."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq

from freshset.core.errors import StoreError
from freshset.core.files import canonical_json, pretty_json, sha256_bytes, sha256_file
from freshset.core.identifiers import slug
from freshset.core.identity import CellSpec
from freshset.core.records import Cell, Source, TestSet
from freshset.store.base import Counts, Examples
from freshset.store.columns import Totals, to_table, with_truth
from freshset.store.stage import Stage
from freshset.store.testsets import check_same, write_testset

_MANY = 8


@dataclass(frozen=True, slots=True)
class Recorded:
    """A cell that a run has recorded; ``write`` puts its files into a folder."""

    spec: CellSpec
    write: Callable[[Path], Cell]


class _Reader(Protocol):
    @property
    def path(self) -> Path: ...
    def testset(self, testset: str) -> TestSet: ...
    def testsets(self) -> tuple[str, ...]: ...
    def cells(self, testset: str | None = None, model: str | None = None) -> tuple[Cell, ...]: ...


class StagedBatch:
    """Collects test sets and cells in a staging folder inside the store.

    `commit` renames each finished folder into place; `discard` removes whatever is left.
    """

    def __init__(self, store: _Reader, *, replace: bool) -> None:
        self._store = store
        self._replace = replace
        self._stage: Stage | None = None
        self._numbers = itertools.count()
        self._moves: dict[Path, Path] = {}
        self._superseded: list[Path] = []
        self._overwritten: set[Path] = set()
        self._testsets: dict[str, TestSet] = {}
        self._new_testsets: set[str] = set()
        self._current: dict[tuple[str, str], Cell | None] = {}

    def put_testset(self, testset: TestSet) -> None:
        """Add a test set, or check that the stored one is the same.

        A test set that is stored already gains the items or the strata that it lacked, and the mark
        of being adaptively touched, which it keeps for good.

        Raises
        ------
        StoreError
            When the store holds a test set of this id with other items, labels or classes.
        """
        stored = self._known_testset(testset.id)
        if stored is not None:
            check_same(stored, testset)
            if not _gains(stored, testset):
                return
            testset = _joined(stored, testset)
        self._testsets[testset.id] = testset
        self._new_testsets.add(testset.id)
        folder = self._new_folder()
        write_testset(testset, folder)
        self._moves[Path("testsets", slug(testset.id))] = folder

    def put(self, cell: Examples | Counts | Recorded) -> Cell | None:
        """Stage a cell; returns ``None`` when exactly this cell is stored already.

        Raises
        ------
        StoreError
            When the model already has another cell on this test set that came from another file.
        """
        spec, source = _spec_and_source(cell, self._known_testset)
        place = Path("cells", slug(spec.testset), slug(spec.model))
        target = place / spec.identity[:12]
        before = self._current_cell(spec)
        replaces: tuple[str, ...] = ()
        if before is not None:
            if before.spec.identity == spec.identity:
                if not (self._replace and isinstance(cell, Recorded)):
                    return None
                replaces = before.replaces
                self._overwritten.add(target)
            else:
                self._check_replaceable(before, spec, source)
                gone = {*before.replaces, before.spec.identity} - {spec.identity}
                replaces = tuple(sorted(gone))
                self._superseded.append(place / before.spec.identity[:12])
        folder = self._new_folder()
        done = replace(_written(cell, spec, self._known_testset, folder), replaces=replaces)
        (folder / "cell.json").write_text(pretty_json(done.to_dict()), encoding="utf-8")
        self._moves[target] = folder
        self._current[spec.testset, spec.model] = done
        return done

    def commit(self) -> None:
        """Make everything that was staged visible, test sets before the cells that need them."""
        if not self._moves:
            return
        _flush(list(self._moves.values()))
        self._check_testsets_again()
        for place in self._moves:
            # Before the first rename, so that a folder that cannot be made changes nothing.
            (self._store.path / place).parent.mkdir(parents=True, exist_ok=True)
        for place, staged in sorted(
            self._moves.items(), key=lambda move: move[0].parts[0] == "cells"
        ):
            if place.parts[0] == "testsets":
                _move_testset(staged, self._store.path / place)
            else:
                _move(staged, self._store.path / place, overwrite=place in self._overwritten)
        for place in self._superseded:
            if place not in self._moves:
                shutil.rmtree(self._store.path / place, ignore_errors=True)
        self._moves.clear()

    def _check_testsets_again(self) -> None:
        """Look once more: another process may have stored a test set of this id meanwhile."""
        for name in self._new_testsets & set(self._store.testsets()):
            stored = self._store.testset(name)
            check_same(stored, self._testsets[name])
            if not _gains(stored, self._testsets[name]):
                del self._moves[Path("testsets", slug(name))]

    def discard(self) -> None:
        """Remove the staging folder."""
        if self._stage is not None:
            self._stage.remove()

    def _new_folder(self) -> Path:
        if self._stage is None:
            self._store.path.mkdir(parents=True, exist_ok=True)
            self._stage = Stage(self._store.path)
        folder = self._stage.path / str(next(self._numbers))
        folder.mkdir()
        return folder

    def _known_testset(self, testset: str) -> TestSet | None:
        if testset not in self._testsets and testset in self._store.testsets():
            self._testsets[testset] = self._store.testset(testset)
        return self._testsets.get(testset)

    def _current_cell(self, spec: CellSpec) -> Cell | None:
        key = (spec.testset, spec.model)
        if key not in self._current:
            self._current[key] = next(iter(self._store.cells(*key)), None)
        return self._current[key]

    def _check_replaceable(self, before: Cell, spec: CellSpec, source: Source) -> None:
        # A run replaces what an earlier run made from other inputs, and the same file read again
        # with another repair corrects a cell; anything else overwrites it.
        if self._replace or (before.spec.run is not None and spec.run is not None):
            return
        if before.source.sha256 and before.source.sha256 == source.sha256:
            return
        raise StoreError(
            f"{source.file or spec.model}: the store already holds other results of "
            f"{spec.model!r} on {spec.testset!r} (from {before.source.file!r}).",
            "Give the model another name, or overwrite with --replace.",
        )


def _spec_and_source(
    cell: Examples | Counts | Recorded, testset_of: Callable[[str], TestSet | None]
) -> tuple[CellSpec, Source]:
    if isinstance(cell, Recorded):
        return cell.spec, Source("run")
    testset = testset_of(cell.testset)
    if testset is None:
        raise StoreError(f"The test set {cell.testset!r} is not in the store.")
    if isinstance(cell, Counts):
        known = {"n": cell.n, "correct": dict(cell.correct), "approximate": cell.approximate}
        content = sha256_bytes(canonical_json(known))
        fingerprint = TestSet(cell.testset, cell.n).fingerprint
        return CellSpec(cell.model, cell.testset, fingerprint, content), cell.source
    topk = np.ascontiguousarray(cell.topk, dtype="<i4")
    content = sha256_bytes(repr(topk.shape).encode() + topk.tobytes())
    spec = CellSpec(cell.model, cell.testset, testset.fingerprint, content, cell.repair)
    return spec, cell.source


def _written(
    cell: Examples | Counts | Recorded,
    spec: CellSpec,
    testset_of: Callable[[str], TestSet | None],
    folder: Path,
) -> Cell:
    """Write the data of a cell into a folder, and say what was written."""
    if isinstance(cell, Recorded):
        return cell.write(folder)
    if isinstance(cell, Counts):
        return Cell(spec, "counts", cell.n, 0, cell.correct, cell.approximate, cell.source)
    testset = testset_of(cell.testset)
    assert testset is not None  # noqa: S101 - the spec was made from it
    columns = with_truth({"topk_id": cell.topk}, testset, slice(None))
    path = folder / "predictions.parquet"
    pq.write_table(to_table(columns, spec), path, compression="zstd")
    totals = Totals()
    totals.add(columns)
    return Cell(
        spec,
        "examples",
        totals.n,
        totals.k,
        totals.correct,
        source=cell.source,
        bytes=path.stat().st_size,
        sha256=sha256_file(path),
    )


def _move(staged: Path, target: Path, *, overwrite: bool) -> None:
    done = target / "cell.json"
    if done.exists() and not overwrite:
        return  # another process wrote the same cell meanwhile
    # What is left is a cell that is made again, or one that was never finished.
    shutil.rmtree(target, ignore_errors=True)
    try:
        staged.replace(target)
    except OSError:
        if not done.exists():
            raise
        # Another process was quicker by a hair; its cell is the same, by its identity.


def _gains(stored: TestSet, new: TestSet) -> bool:
    """Whether a test set has anything that the stored one lacks."""
    return _gains_columns(stored, new) or bool(new.touched and not stored.touched)


def _gains_columns(stored: TestSet, new: TestSet) -> bool:
    return (new.has_items and not stored.has_items) or not set(new.strata) <= set(stored.strata)


def _joined(stored: TestSet, new: TestSet) -> TestSet:
    columns = new if _gains_columns(stored, new) else stored
    return replace(columns, touched=stored.touched or new.touched)


def _move_testset(staged: Path, target: Path) -> None:
    try:
        staged.replace(target)
    except OSError:
        if not (target / "testset.json").exists():
            raise
        # One that gains something, or that another process stored meanwhile.  Its items come before
        # the head that speaks of them, so that whoever reads finds a whole test set at any time.
        for path in sorted(staged.iterdir()):
            path.replace(target / path.name)


def _flush(folders: list[Path]) -> None:
    """Put what was written on the disk, before any rename says that it is there."""
    # One flush of the file system is cheaper than one a file, but for a few files.
    if len(folders) > _MANY and hasattr(os, "sync"):
        os.sync()
        return
    for folder in folders:
        for path in folder.iterdir():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
