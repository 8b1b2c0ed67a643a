"""Revisions in a project: stored under a name, chained by digests, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import DataError, NotFoundError, UsageError, did_you_mean
from freshset.core.files import canonical_json, sha256_bytes
from freshset.replication.collecting.excluding import excluded
from freshset.replication.project import Change, Project
from freshset.replication.revisions.document import Revision
from freshset.replication.tables import revisions

_RESTORE = "Restore the database from a copy."


@dataclass(frozen=True, slots=True)
class Head:
    """A revision without its document.

    Attributes
    ----------
    parent
        Name of the revision it began from; empty for a first one.
    state
        ``draft`` or ``frozen``.
    touched
        Whether it, or one that it comes from, was un-frozen after it had been frozen: people may have
        seen predictions on it, so that it is no longer fresh.
    at
        UTC.
    """

    name: str
    digest: str
    parent: str
    state: str
    touched: bool
    at: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Chain:
    """A revision and all that it comes from, checked.

    Attributes
    ----------
    names
        From the revision back to the first one.
    tombstones
        Its images that were taken down: their ids stay, so that all digests still hold.
    """

    names: tuple[str, ...]
    tombstones: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "schema": "freshset.revision-chain/1",
            "names": list(self.names),
            "tombstones": list(self.tombstones),
        }


def heads(connection: sa.Connection) -> list[Head]:
    """All revisions, oldest first."""
    c = revisions.c
    query = sa.select(c.name, c.digest, c.parent, c.state, c.touched, c.at)
    found = {row.name: Head(*row) for row in connection.execute(query)}
    # Clocks jump, so the order is that of the chain, and of the times only between its branches.
    return sorted(found.values(), key=lambda one: (_depth(one.name, found), one.at, one.name))


def head(connection: sa.Connection, name: str) -> Head:
    """One revision.

    Raises
    ------
    UsageError
        When there is none of that name.
    """
    all_heads = {one.name: one for one in heads(connection)}
    if name not in all_heads:
        hint = did_you_mean(name, all_heads) or "Draw one: freshset testset sample --project DIR"
        raise NotFoundError(f"No revision {name!r}.", hint)
    return all_heads[name]


def load(connection: sa.Connection, name: str) -> Revision:
    """Read a revision's document.

    Raises
    ------
    UsageError
        When there is none of that name.
    DataError
        When it is not as it was written.
    """
    one = head(connection, name)
    query = sa.select(revisions.c.document).where(revisions.c.name == name)
    document = connection.execute(query).scalar_one()
    if sha256_bytes(canonical_json(document)) != one.digest:
        raise DataError(f"Revision {name!r} is not as it was written.", _RESTORE)
    return Revision.from_dict(document)


def put(change: Change, name: str, revision: Revision, parent: Head | None) -> Head:
    """Store a new revision as a draft.

    Raises
    ------
    UsageError
        When the name is taken, or the very same draw is there under another one.
    """
    known = heads(change.connection)
    if any(one.name == name for one in known):
        raise UsageError(f"There is a revision {name!r} already.", "Give another --name.")
    digest = revision.digest
    same = [one.name for one in known if one.digest == digest]
    if same:
        raise UsageError(
            f"The draw gives {same[0]!r} again: nothing that it depends on has changed.",
            "Blacklist an image, review pairs or change the spec; then sample again.",
        )
    touched = parent is not None and parent.touched
    new = Head(name, digest, parent.name if parent else "", "draft", touched, change.at)
    row = new.to_dict() | {"document": revision.to_dict()}
    change.connection.execute(sa.insert(revisions), [row])
    return new


def verify(project: Project, name: str) -> Chain:
    """Check a revision and everything it comes from.

    Every document must have its digest, name its parent's, and be the one that the log was told of
    when it was drawn.

    Raises
    ------
    UsageError
        When there is no revision of that name.
    DataError
        At the first thing that is not as it was written.
    """
    logged = {
        entry.subject: str(entry.detail.get("digest", ""))
        for entry in project.entries(action="revision.sample")
    }
    names: list[str] = []
    with project.read() as connection:
        known = {one.name: one for one in heads(connection)}
        at, expected = name, ""
        while at:
            revision = load(connection, at)
            if (expected and revision.digest != expected) or logged.get(at) != revision.digest:
                raise DataError(f"Revision {at!r} is not the one that was drawn.", _RESTORE)
            names.append(at)
            at, expected = known[at].parent, revision.parent
            if bool(at) != bool(expected) or at in names or (at and at not in known):
                raise DataError(f"The chain of {name!r} breaks before {names[-1]!r}.", _RESTORE)
        ids = {item.item_id for item in load(connection, name).items}
        down = sorted(ids & set(excluded(connection, kind="takedown")))
    return Chain(tuple(names), tuple(down))


def descendants(all_heads: list[Head], name: str) -> list[str]:
    """Names of a revision and of all that come from it."""
    found = {name}
    for one in all_heads:  # parents come before their children
        if one.parent in found:
            found.add(one.name)
    return sorted(found)


def _depth(name: str, known: Mapping[str, Head]) -> int:
    depth, seen = 0, {name}
    while (parent := known[name].parent) and parent in known and parent not in seen:
        name = parent
        seen.add(parent)
        depth += 1
    return depth
