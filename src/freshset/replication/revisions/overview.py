"""The list of revisions: how each was drawn, and how far its review has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from freshset.replication.revisions.chain import Head, heads
from freshset.replication.tables import class_reviews, log


@dataclass(frozen=True, slots=True)
class Line:
    """One revision in the list.

    Attributes
    ----------
    head
        Its name, state and parent.
    summary
        What the log says of the draw: ``strategy``, ``images``, ``missing`` and so on; see
        `freshset.replication.revisions.document.Revision.summary`.
    who, why
        Of the draw.
    good, problematic
        Classes by their reviews, whether or not definitions have changed since.
    children
        Names of the revisions that were drawn from it, oldest first.
    """

    head: Head
    summary: Mapping[str, Any]
    who: str
    why: str
    good: int
    problematic: int
    children: tuple[str, ...]


def list_revisions(connection: sa.Connection) -> list[Line]:
    """List all revisions, newest first, without reading their documents."""
    known = heads(connection)
    entries = sa.select(log.c.subject, log.c.detail, log.c.who, log.c.why)
    drawn = {
        row.subject: (row.detail, row.who, row.why)
        for row in connection.execute(entries.where(log.c.action == "revision.sample"))
    }
    c = class_reviews.c
    counts = sa.select(c.revision, c.problematic, sa.func.count().label("number"))
    reviewed = {
        (row.revision, bool(row.problematic)): int(row.number)
        for row in connection.execute(counts.where(c.reviewed).group_by(c.revision, c.problematic))
    }
    children: defaultdict[str, list[str]] = defaultdict(list)
    for one in known:
        children[one.parent].append(one.name)
    return [
        Line(
            one,
            *drawn.get(one.name, ({}, "", "")),
            reviewed.get((one.name, False), 0),
            reviewed.get((one.name, True), 0),
            tuple(children[one.name]),
        )
        for one in reversed(known)
    ]
