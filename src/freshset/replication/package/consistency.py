"""Whether a package is one that a project wrote: revision, log and images speak for each other.

Checksums alone do not tell: who changes a file can write a new ``SHA256SUMS``.  The digest of the
revision holds the ids of its images, which are the checksums of their files, and the log holds the
digest of the revision; both can be compared with what was published.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, read_json, sha256_bytes, sha256_file
from freshset.core.provenance import REVISION_FILE
from freshset.replication.journal import Entry, verify
from freshset.replication.package.base import IMAGES
from freshset.replication.package.checksums import check_sums
from freshset.replication.package.write import LOG, TAKEDOWNS
from freshset.replication.revisions.document import Revision
from freshset.store.table_files import read_table


def check_package(folder: Path) -> list[str]:
    """Say what is wrong with a package, one sentence a thing; nothing when all is as it was written.

    Raises
    ------
    DataError
        When a file of it cannot be read at all.
    """
    if changed := check_sums(folder):
        return changed  # all else that is wrong may only follow from it
    said = read_json(folder / REVISION_FILE)
    try:
        revision = Revision.from_dict(said["document"])
        digest, head = str(said["digest"]), dict(said["log"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder / REVISION_FILE}: not the revision of a package ({error!r}).",
            "Copy the package again.",
        ) from error
    out = []
    if sha256_bytes(canonical_json(said["document"])) != digest:
        out.append(f"{REVISION_FILE}: the document does not have the digest {digest[:12]}.")
    try:
        entries = list(_entries(folder / LOG))
        verify(entries, head, where=LOG)
        if not any(
            e.action == "revision.freeze" and e.detail.get("digest") == digest for e in entries
        ):
            out.append(f"{LOG}: no revision of the digest {digest[:12]} was frozen.")
    except DataError as error:
        out.append(error.message)
    return out + list(_images(folder, revision))


def _entries(path: Path) -> Iterator[Entry]:
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            body: dict[str, Any] = json.loads(line)
            yield Entry(**body)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path.name}: cannot be read as a log ({error}).") from error


def _images(folder: Path, revision: Revision) -> Iterator[str]:
    gone = set(read_table(folder / TAKEDOWNS)["sha256"])
    expected = {item.item_id for item in revision.items} - gone
    files = {
        file.stem: file for file in (folder / IMAGES).glob("*/*") if not file.name.startswith(".")
    }
    for item in sorted(expected - files.keys()):
        yield f"{IMAGES}: image {item} of the revision is missing."
    for item in sorted(files.keys() - expected):
        yield f"{IMAGES}: {files[item].name} is not in the revision."
    for item in sorted(files.keys() & expected):
        if sha256_file(files[item]) != item:
            yield f"{IMAGES}: {files[item].name} is not the image of that checksum."
