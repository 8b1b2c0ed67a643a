"""Folders that belong to one live process, and the removal of those whose process died."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from freshset.core.files import write_atomic

_PREFIX = ".staging-"


class Stage:
    """A folder in a store that only this process writes to, with a lock that dies with it."""

    def __init__(self, store: Path) -> None:
        # The lock comes first: a folder without a live lock beside it may be swept away.
        # Another process that sweeps may take a new lock for a dead one; it does not keep it.
        lock = None
        while lock is None:
            self.path = store / f"{_PREFIX}{uuid.uuid4().hex}"
            lock = try_lock(self.path)
        self._lock = lock
        self.path.mkdir()

    def remove(self) -> None:
        """Remove the folder and its lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        unlock(self._lock)


def write_staged(store: Path, path: Path, text: str) -> None:
    """Write a file of a store whole or not at all; what a crash leaves of it is swept away."""
    store.mkdir(parents=True, exist_ok=True)
    stage = Stage(store)
    try:
        staged = stage.path / path.name
        write_atomic(staged, text)
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                staged.replace(path)
            except FileNotFoundError:
                continue  # another process has just removed the empty folder
            return
    finally:
        stage.remove()


def remove_if_empty(folder: Path) -> None:
    """Remove a folder, unless another process has put something into it."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def try_lock(path: Path) -> FileLock | None:
    """Lock ``path`` by a file beside it; ``None`` when another live process holds it."""
    lock = FileLock(f"{path}.lock", timeout=0)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            return None
        except FileNotFoundError:
            continue  # another process has just removed the empty folder
        return lock


def is_locked(path: Path) -> bool:
    """Whether a live process holds the lock of ``path``; makes no file."""
    file = Path(f"{path}.lock")
    if not file.exists():
        return False  # before anything else: plans ask this of tens of thousands
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


def unlock(lock: FileLock) -> None:
    """Remove a lock file while it is still held, then let go of it."""
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def sweep_stages(store: Path) -> None:
    """Remove the staging folders of processes that died."""
    for path in store.glob(f"{_PREFIX}*.lock"):
        folder = path.with_suffix("")
        lock = try_lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            unlock(lock)
