"""Audit of the revisions of a project by what the project knows of their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import UsageError
from freshset.core.files import sha256_file
from freshset.core.frequencies import Frequencies
from freshset.replication.auditing.audit import Known, Members, audit
from freshset.replication.auditing.report import AuditReport
from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project
from freshset.replication.revisions.chain import heads, load
from freshset.replication.revisions.document import Item
from freshset.replication.revisions.touched import why_touched
from freshset.replication.tables import exclusions, images, members


def audit_project(project: Project, names: Sequence[str] = ()) -> AuditReport:
    """Audit revisions: duplicates by the verdicts so far, exclusions, files, sizes, overlaps.

    Parameters
    ----------
    names
        Of revisions; by default those that no other one comes from.

    Raises
    ------
    UsageError
        When there is no such revision, or none at all.
    DataError
        When a revision or the log is not as it was written.
    """
    project.verify_log()
    spec = project.spec
    with project.read() as connection:
        chosen = tuple(names) or _last(connection)
        revisions = {name: load(connection, name).items for name in chosen}
        known = Known(
            links=tuple(sorted(read_state(connection).edges())),
            original=_original(connection),
            blacklist=_blacklist(connection),
            unreadable=_unreadable(connection, project.folder, list(revisions.values())),
            sizes={one.key: spec.size_of(one.key) for one in spec.classes},
            frequencies=_frequencies(list(revisions.values())),
        )
    known = replace(known, touched={name: why_touched(project, name) for name in revisions})
    sets = [
        Members(name, tuple((item.item_id, item.class_key) for item in items))
        for name, items in revisions.items()
    ]
    return audit(sets, known)


def _last(connection: sa.Connection) -> tuple[str, ...]:
    found = heads(connection)
    if not found:
        raise UsageError(
            "There is no revision to audit.", "Draw one: freshset testset sample --project DIR"
        )
    parents = {one.parent for one in found}
    return tuple(one.name for one in found if one.name not in parents)


def _original(connection: sa.Connection) -> dict[str, str]:
    c = members.c
    query = sa.select(c.item_id, c.class_key).where(c.pool != "candidate").order_by(c.class_key)
    return {row.item_id: row.class_key for row in connection.execute(query)}


def _blacklist(connection: sa.Connection) -> dict[str, str]:
    """Reasons of excluded images; one that was taken down is a tombstone, and no fault."""
    query = sa.select(exclusions.c.item_id, exclusions.c.reason).where(
        exclusions.c.kind == "blacklist"
    )
    return {row.item_id: row.reason for row in connection.execute(query)}


def _unreadable(
    connection: sa.Connection, folder: Path, revisions: Sequence[Sequence[Item]]
) -> dict[str, str]:
    wanted = {item.item_id for items in revisions for item in items}
    gone = sa.select(exclusions.c.item_id).where(exclusions.c.kind == "takedown")
    wanted -= set(connection.execute(gone).scalars())
    out = {}
    for row in connection.execute(sa.select(images.c.item_id, images.c.path)):
        if row.item_id in wanted:
            path = folder / row.path
            if not path.is_file():
                out[row.item_id] = "the file is missing"
            elif sha256_file(path) != row.item_id:
                out[row.item_id] = "the file is not as it was collected"
    return out


def _frequencies(revisions: Sequence[Sequence[Item]]) -> Frequencies:
    """Frequencies as they were when the images were drawn; the first revision's, where they differ."""
    rows: dict[tuple[str, str], tuple[float, float]] = {}
    for items in revisions:
        for item in items:
            rows.setdefault((item.item_id, item.class_key), (item.selected, item.answers))
    return Frequencies(
        np.array([item for item, _ in rows], dtype=object),
        np.array([key for _, key in rows], dtype=object),
        np.array([selected for selected, _ in rows.values()], dtype=np.float64),
        np.array([answers for _, answers in rows.values()], dtype=np.float64),
    )
