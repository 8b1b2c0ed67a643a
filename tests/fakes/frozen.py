"""Projects with a frozen revision of small pictures that are really there."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from PIL import Image

from freshset.replication import tables
from freshset.replication.project import Project
from freshset.replication.revisions.chain import put
from freshset.replication.revisions.document import Item, Revision
from freshset.replication.revisions.freeze import freeze

WHO = {"who": "ada", "why": "because"}
CLASSES = ("cat", "dog", "10", "2")
SPEC = """\
name: animals/fresh
original: animals/test
per_class: 2
classes:
  - {key: cat, name: "Cat, domestic", definition: It purrs.}
  - {key: dog}
  - {key: "10"}
  - {key: "2"}
tasks: {negatives: 0}
"""
WORKER = "Worker-Name-77"


def picture(seed: int, kind: str = "PNG") -> bytes:
    """A small picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, size=(12, 10, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def frozen_project(folder: Path, *, freeze_it: bool = True, database: str = "") -> Project:
    """Begin a project with two pictures a class, and freeze its revision ``r1``."""
    project = Project.create(folder, SPEC, database=database, **WHO)
    rows = []
    with project.change("candidates.collect", **WHO) as change:
        for number in range(8):
            key = CLASSES[number // 2]
            rows.append((add_picture(change.connection, folder, number, key), key))
    with project.change("answers.import", **WHO) as change:
        for place, (item, key) in enumerate(rows[:-1]):
            found = [
                {"worker": f"{hashlib.sha256(f'{project.salt}{WORKER}{w}'.encode()).hexdigest()}",
                 "item_id": item, "class_key": key, "selected": float(w < 3 + place % 2)}
                for w in range(4)
            ]  # fmt: skip
            change.connection.execute(sa.insert(tables.answers), found)
    with project.change("revision.sample", subject="r1", **WHO) as change:
        one = revision(project, rows)
        put(change, "r1", one, None)
        change.detail["digest"] = one.digest
    if freeze_it:
        freeze(project, "r1", allow_incomplete="a test", **WHO)
    return project


def add_picture(connection: sa.Connection, folder: Path, number: int, key: str) -> str:
    """Put a picture into a project as a candidate; every third is a JPEG."""
    kind, suffix = ("JPEG", "jpg") if number % 3 == 0 else ("PNG", "png")
    data = picture(number, kind)
    item = hashlib.sha256(data).hexdigest()
    path = folder / "images" / f"{item}.{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    image = {"item_id": item, "path": f"images/{path.name}", "pixels": item, "width": 10,
             "height": 12, "format": kind, "bytes": len(data)}  # fmt: skip
    connection.execute(sa.insert(tables.images), [image])
    use = {"item_id": item, "pool": "candidate", "class_key": key, "keyword": key}
    connection.execute(sa.insert(tables.members), [use])
    origin = {"source": "folder", "key": str(number), "class_key": key, "item_id": item,
              "keyword": key, "licence": "CC BY 4.0" if number % 2 else "", "author": f"Zoë {number}",
              "page": f"https://example.org/{number}", "retrieved_at": "2026-01-02"}  # fmt: skip
    connection.execute(sa.insert(tables.origins), [origin])
    return item


def revision(project: Project, rows: list[tuple[str, str]]) -> Revision:
    """A revision of these images; the last has no answers."""
    items = tuple(
        Item(item, key, float(place < len(rows) - 1) * (3 + place % 2), 4.0 * (place < len(rows) - 1),
             "all", "all", "drawn")
        for place, (item, key) in enumerate(rows)
    )  # fmt: skip
    counts = {key: {"all": 2} for key in CLASSES}
    nothing: dict[str, dict[str, int]] = {}
    return Revision(
        "random", 7, {}, project.spec.digest, "policy", "pools", "", counts, nothing, nothing,
        {key: {"eligible": 2, "blacklisted": 1} for key in CLASSES}, items,
    )  # fmt: skip
