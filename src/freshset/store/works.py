"""Results that are no cell of a model on a test set: folds, features, training runs.

A piece of work is known by what can change its result, as a cell is.  Its result is a document and
arrays, each a npy file that is read by mapping it into memory::

    works/<kind>/<identity>/{NAME.npy, work.json}
    works/failures/<kind>/<identity>.json            why it could not be done
    works/partial/<identity>.lock                    held by the process that does it
    works/partial/<identity>/                        what that process keeps for the next one

The folder of a result is renamed into place when all of it is written.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from freshset.core.errors import DataError, FreshsetError, StoreError
from freshset.core.files import (
    canonical_json,
    pretty_json,
    read_json,
    sha256_bytes,
    sha256_file,
    write_atomic,
)
from freshset.store.array_file import ArrayFile
from freshset.store.stage import (
    is_locked,
    remove_if_empty,
    sweep_stages,
    try_lock,
    unlock,
    write_staged,
)

SCHEMA = "freshset.work/1"
_FAILURE = "freshset.work-failure/1"
_RESULT = "result"
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class WorkSpec:
    """What a piece of work is.

    Attributes
    ----------
    kind
        Such as ``features`` or ``fold``: lower-case letters and digits, joined by ``-``.
    text
        All that can change the result, as canonical JSON.
    """

    kind: str
    text: str

    @classmethod
    def of(cls, kind: str, **inputs: Any) -> Self:
        """Make a spec of plain values; tuples count as lists."""
        return cls(kind, canonical_json(inputs).decode())

    @property
    def inputs(self) -> dict[str, Any]:
        """All that can change the result."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def identity(self) -> str:
        """Versioned hash by which the same work is known everywhere."""
        return sha256_bytes(f"{SCHEMA}\0{self.kind}\0{self.text}".encode())


@dataclass(frozen=True, slots=True)
class WorkFailure:
    """Why a piece of work could not be done.

    Attributes
    ----------
    title
        What it was, in words.
    error, hint
        One sentence each; the hint may be empty.
    traceback
        As Python prints it; empty for errors that freshset raises on purpose.
    """

    spec: WorkSpec
    title: str
    error: str
    hint: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A result that is stored.

    Attributes
    ----------
    document
        Plain values.
    folder
        Where its arrays are.
    """

    spec: WorkSpec
    document: Mapping[str, Any]
    folder: Path

    def array(self, name: str) -> npt.NDArray[Any]:
        """One of its arrays, mapped into memory.

        Raises
        ------
        StoreError
            When it is not there, or is damaged.
        """
        path = self.folder / f"{name}.npy"
        try:
            found: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise StoreError(
                f"{path}: cannot be read ({error}).", f"Delete {self.folder}, and run again."
            ) from error
        return found


class Claim:
    """A piece of work that this process does; see `Works.claim`.

    Attributes
    ----------
    spec
        What is done.
    folder
        For whatever the work keeps, such as checkpoints; it outlives the process, and goes when the
        work is finished.
    """

    def __init__(self, root: Path, spec: WorkSpec, lock: FileLock) -> None:
        self.spec = spec
        self._root = root
        self._lock = lock
        self.folder = _partial(root, spec)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / _RESULT, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def finish(
        self, document: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any] | ArrayFile | Path]
    ) -> Work:
        """Store the result.

        Parameters
        ----------
        document
            Plain values; numbers must be finite.
        arrays
            By name; a path is that of a npy file in `folder`, which is moved, as an `ArrayFile` is
            that is whole.

        Returns
        -------
        Work
            As it is stored: where another process has stored the same meanwhile, that.
        """
        staged = self.folder / _RESULT
        staged.mkdir()
        files: dict[str, dict[str, Any]] = {}
        for name, values in arrays.items():
            path = staged / f"{name}.npy"
            digest = ""
            if isinstance(values, ArrayFile):
                values.close()
                values.path.replace(path)
                digest = values.sha256
            elif isinstance(values, Path):
                values.replace(path)
            else:
                np.save(path, values, allow_pickle=False)
            _flush(path)
            files[name] = {"bytes": path.stat().st_size, "sha256": digest or sha256_file(path)}
        body = {
            "schema": SCHEMA,
            "kind": self.spec.kind,
            "identity": self.spec.identity,
            "inputs": self.spec.inputs,
            "document": dict(document),
            "files": files,
        }
        write_atomic(staged / "work.json", pretty_json(body))
        # Before the result: a crash in between must not leave both.
        _forget_failure(self._root, self.spec)
        target = _place(self._root, self.spec)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.replace(target)
        except OSError:
            if not (target / "work.json").exists():
                raise
        shutil.rmtree(self.folder, ignore_errors=True)
        return Work(self.spec, _plain(document), target)

    def close(self) -> None:
        """Let go of the work; what lies in `folder` stays for whoever takes it up."""
        remove_if_empty(self.folder)
        unlock(self._lock)


class Works:
    """The work that a store holds.

    Parameters
    ----------
    store
        Folder of the store.
    """

    def __init__(self, store: Path) -> None:
        self._root = store / "works"

    def has(self, spec: WorkSpec) -> bool:
        """Whether the result is there."""
        return (_place(self._root, spec) / "work.json").exists()

    def get(self, spec: WorkSpec) -> Work | None:
        """Return a result; ``None`` when it is not there.

        Raises
        ------
        StoreError
            When it is damaged.
        """
        place = _place(self._root, spec)
        return _read(place) if (place / "work.json").exists() else None

    def all(self, kind: str) -> Iterator[Work]:
        """Return all results of a kind, in the order of their identities."""
        for path in sorted((self._root / kind).glob("*/work.json")):
            yield _read(path.parent)

    def claim(self, spec: WorkSpec) -> Claim | None:
        """Take up a piece of work; ``None`` when another live process is at it.

        Whether it is done already is to be asked after this, since another process may have
        finished it a moment ago.  Close the claim in the end, or use it in a ``with`` block.
        """
        lock = try_lock(_partial(self._root, spec))
        if lock is None:
            return None
        try:
            return Claim(self._root, spec, lock)
        except BaseException:
            unlock(lock)
            raise

    def is_live(self, spec: WorkSpec) -> bool:
        """Whether a process is at it now."""
        return is_locked(_partial(self._root, spec))

    def is_begun(self, spec: WorkSpec) -> bool:
        """Whether something is kept of an attempt that did not finish."""
        return _partial(self._root, spec).is_dir()

    def put_failure(self, failure: WorkFailure) -> None:
        """Record why a piece of work could not be done; finishing it later removes this."""
        body = {"schema": _FAILURE, **asdict(failure)}
        write_staged(self._root, _failure(self._root, failure.spec), pretty_json(body))

    def failure(self, spec: WorkSpec) -> WorkFailure | None:
        """Why a piece of work could not be done, where that is known."""
        path = _failure(self._root, spec)
        return _read_failure(path) if path.exists() else None

    def failures(self, kind: str) -> tuple[WorkFailure, ...]:
        """Return all failures of a kind, in the order of their identities."""
        folder = self._root / "failures" / kind
        return tuple(_read_failure(path) for path in sorted(folder.glob("*.json")))

    def damaged(self) -> tuple[str, ...]:
        """One sentence for every file that does not hold what its document says."""
        found: list[str] = []
        for path in sorted(self._root.glob("*/*/work.json")):
            try:
                files = read_json(path)["files"]
                wrong = [
                    name
                    for name, said in files.items()
                    if not _same(path.parent / f"{name}.npy", said)
                ]
            except (FreshsetError, KeyError, TypeError, AttributeError):
                found.append(f"{path}: is damaged.")
                continue
            found.extend(f"{path.parent / name}.npy: is damaged." for name in wrong)
        return tuple(found)

    def sweep(self) -> None:
        """Remove what dead processes left behind of work that is done, and empty folders."""
        if not self._root.exists():
            return
        sweep_stages(self._root)
        root = self._root / "partial"
        names = {path.name.removesuffix(".lock") for path in root.glob("*")}
        for name in sorted(names):
            lock = try_lock(root / name)
            if lock is None:
                continue
            folder = root / name
            done = any(self._root.glob(f"*/{name[:_DIGITS]}/work.json"))
            if folder.exists() and (done or not any(folder.iterdir())):
                shutil.rmtree(folder, ignore_errors=True)
            unlock(lock)
        remove_if_empty(root)


def _place(root: Path, spec: WorkSpec) -> Path:
    return root / spec.kind / spec.identity[:_DIGITS]


def _partial(root: Path, spec: WorkSpec) -> Path:
    return root / "partial" / spec.identity


def _failure(root: Path, spec: WorkSpec) -> Path:
    return root / "failures" / spec.kind / f"{spec.identity[:_DIGITS]}.json"


def _forget_failure(root: Path, spec: WorkSpec) -> None:
    path = _failure(root, spec)
    path.unlink(missing_ok=True)
    remove_if_empty(path.parent)
    remove_if_empty(path.parent.parent)


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """As it will be read again."""
    found: dict[str, Any] = json.loads(json.dumps(dict(document)))
    return found


def _read(folder: Path) -> Work:
    path, hint = folder / "work.json", f"Delete {folder}, and run again."
    try:
        body = read_json(path)
        spec = WorkSpec(body["kind"], canonical_json(body["inputs"]).decode())
        work, identity = Work(spec, dict(body["document"]), folder), body["identity"]
    except (DataError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: is damaged ({error}).", hint) from error
    if spec.identity != identity:
        raise StoreError(f"{path}: is damaged, as its identity is that of other work.", hint)
    return work


def _read_failure(path: Path) -> WorkFailure:
    try:
        body = read_json(path)
        spec = WorkSpec(**body.pop("spec"))
        return WorkFailure(spec, **{k: v for k, v in body.items() if k != "schema"})
    except (DataError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: is damaged ({error}).", "Delete it, and run again.") from error


def _same(path: Path, said: Mapping[str, Any]) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == said["bytes"]
        and sha256_file(path) == said["sha256"]
    )


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
