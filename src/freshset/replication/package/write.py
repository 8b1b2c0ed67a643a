"""Writing a package: all of it, or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freshset.core.errors import UsageError
from freshset.core.files import pretty_json
from freshset.core.provenance import PACKAGE_SCHEMA, REVISION_FILE
from freshset.replication.package.base import Contents, collect
from freshset.replication.package.checksums import write_sums
from freshset.replication.package.croissant import CROISSANT, croissant_json
from freshset.replication.package.datasheet import DATASHEET, datasheet
from freshset.replication.package.facts import gather_facts
from freshset.replication.package.huggingface import METADATA, csv_text, metadata_csv
from freshset.replication.package.image_folder import (
    CLASSES,
    SECTION,
    classes_csv,
    study_section,
    write_images,
)
from freshset.replication.package.webdataset import write_shards
from freshset.replication.project import Project

LOG = "log.jsonl"
SPEC = "spec.yaml"
LICENCES = "LICENSES"
TAKEDOWNS = "takedowns.csv"


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was written.

    Attributes
    ----------
    digest
        SHA-256 of its ``SHA256SUMS``: one number that stands for every file.
    touched
        Why the set is adaptively touched; empty when it is not.
    """

    folder: Path
    testset: str
    images: int
    tombstones: int
    digest: str
    touched: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "schema": "freshset.packaged/1",
            "folder": str(self.folder),
            "testset": self.testset,
            "images": self.images,
            "tombstones": self.tombstones,
            "digest": self.digest,
            "touched": self.touched,
        }


def write_package(
    project: Project, name: str, folder: Path | str, *, who: str, why: str, shards: bool = True
) -> Package:
    """Package a frozen revision; the same project gives the same bytes.

    Parameters
    ----------
    name
        Of the revision.
    folder
        Where to; must not exist, or be empty.
    shards
        Whether to write WebDataset shards too, which hold every image a second time.

    Raises
    ------
    UsageError
        When the revision is a draft or unknown, or there is something in the folder.
    DataError
        When the revision, the log or an image file is not as it was written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", "Give another folder, or remove it.")
    contents = collect(project, name)
    with project.read() as connection:
        sheet = datasheet(contents, gather_facts(connection, contents))
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        digest = _fill(stage, contents, sheet, shards=shards)
        detail = {"digest": digest, "images": len(contents.images)}
        with project.change("revision.package", who=who, why=why, subject=name, **detail):
            # mkdtemp makes private folders; a package is there to be read.
            stage.chmod(0o755)
            stage.replace(folder)
    except BaseException:
        # What the log does not tell of is not there, even if only the log could not be written.
        shutil.rmtree(stage if stage.exists() else folder, ignore_errors=True)
        raise
    return Package(
        folder,
        contents.testset,
        len(contents.images),
        len(contents.tombstones),
        digest,
        contents.touched,
    )


def _fill(folder: Path, contents: Contents, sheet: str, *, shards: bool) -> str:
    write_images(contents, folder)
    texts = {
        METADATA: metadata_csv(contents),
        CLASSES: classes_csv(contents),
        SECTION: study_section(contents),
        SPEC: contents.spec_text,
        REVISION_FILE: pretty_json(_revision(contents)),
        LOG: "".join(
            json.dumps(entry.to_dict(), ensure_ascii=False, sort_keys=True) + "\n"
            for entry in contents.entries
        ),
        LICENCES: _licences(contents),
        TAKEDOWNS: csv_text(
            ("sha256", "class_key", "reason", "at"),
            [[one.item_id, one.class_key, one.reason, one.at] for one in contents.tombstones],
        ),
        DATASHEET: sheet,
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    if shards:
        write_shards(contents, folder)
    (folder / CROISSANT).write_bytes(croissant_json(contents, folder).encode())
    return write_sums(folder)


def _revision(contents: Contents) -> dict[str, Any]:
    return {
        "schema": PACKAGE_SCHEMA,
        "testset": contents.testset,
        "revision": contents.head.name,
        "digest": contents.head.digest,
        "chain": list(contents.chain),
        "state": contents.head.state,
        "touched": contents.touched,
        "log": {"seq": contents.entries[-1].seq, "digest": contents.entries[-1].digest},
        "document": contents.revision.to_dict(),
    }


def _licences(contents: Contents) -> str:
    counts = Counter(image.origin["licence"] or "unknown" for image in contents.images)
    lines = [
        "The images belong to their authors. Each is under the licence that its source gave; the",
        "columns licence, author, page and url of test/metadata.csv tell it for every image.",
        "",
        *(f"{number:>8}  {licence}" for licence, number in sorted(counts.items())),
    ]
    return "\n".join(lines) + "\n"
