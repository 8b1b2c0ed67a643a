"""``SHA256SUMS``: the checksum of every file, as ``sha256sum -c`` reads it."""

from __future__ import annotations

import re
from pathlib import Path

from freshset.core.errors import DataError
from freshset.core.files import sha256_bytes, sha256_file

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def write_sums(folder: Path) -> str:
    """Write the file for all others of a folder; returns its own SHA-256."""
    lines = [f"{sha256_file(folder / name)}  {name}\n" for name in _files(folder)]
    data = "".join(lines).encode()
    (folder / SUMS).write_bytes(data)
    return sha256_bytes(data)


def check_sums(folder: Path) -> list[str]:
    """Say what differs from a package's checksums, one sentence a file; nothing when all is whole.

    Raises
    ------
    DataError
        When there is no such file, or it is no list of checksums.
    """
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", "Copy the package again.") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise DataError(f"{path}: line {number}: no checksum.", "Copy the package again.")
        sums[match[2]] = match[1]
    there = set(_files(folder))
    out = [f"{name}: missing." for name in sorted(sums.keys() - there)]
    out += [f"{name}: not part of the package." for name in sorted(there - sums.keys())]
    out += [
        f"{name}: not as it was packaged."
        for name in sorted(there & sums.keys())
        if sha256_file(folder / name) != sums[name]
    ]
    return out


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / SUMS
    )
