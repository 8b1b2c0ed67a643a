"""Files of a test set: names that stay inside its folder, and digests of what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from freshset.core.errors import DataError


def inside(root: Path, name: str, where: str, hint: str = "") -> Path:
    """Path of a file that a manifest names.

    Parameters
    ----------
    root
        Folder that the name is relative to.
    name
        As the manifest has it, with ``/`` between folders.
    where
        What to call the place in messages: manifest and row.
    hint
        What to do about a name that leads out of the folder, where it has no option ``root``.

    Raises
    ------
    DataError
        When the name leads out of the folder.  A manifest comes from elsewhere: it must not make
        this machine read whatever it names.
    """
    if not name:
        raise DataError(f"{where}: no file is named.", "Give every row the path of its file.")
    path = os.path.normpath(name)
    if Path(path).is_absolute() or path == ".." or path.startswith(f"..{os.sep}") or "\0" in name:
        raise DataError(
            f"{where}: {name!r} lies outside the folder {root}.",
            hint or "Name files relative to the data's folder, which the option 'root' can set.",
        )
    return root / path


def size_of(path: Path, where: str) -> int:
    """Size of a file in bytes.

    Raises
    ------
    DataError
        When it is not there.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise DataError(f"{where}: {path} cannot be read ({error.strerror}).") from error


def sizes_digest(ids: Iterable[str], sizes: Iterable[int]) -> str:
    """Digest of the items' ids and sizes.

    This is what says, without reading them, that large data are still the same: a file that was
    replaced by another of exactly its size is not noticed.  The option ``content`` reads them.
    """
    digest = hashlib.sha256()
    for id, size in zip(ids, sizes, strict=True):
        digest.update(f"{id}\0{size}\n".encode())
    return f"sizes:{digest.hexdigest()}"


def content_digest(ids: Sequence[str], read: Callable[[int], bytes]) -> str:
    """Digest of the items' ids and all their bytes."""
    digest = hashlib.sha256()
    for row, id in enumerate(ids):
        digest.update(f"{id}\0{hashlib.sha256(read(row)).hexdigest()}\n".encode())
    return f"content:{digest.hexdigest()}"
