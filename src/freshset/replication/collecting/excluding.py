"""Images that no sample may take: a blacklist for what is wrong, takedowns for what others may ask."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from freshset.core.errors import NotFoundError, UsageError
from freshset.replication.collecting.images import VECTORS, remove_image
from freshset.replication.project import Change, Project
from freshset.replication.tables import exclusions, images, origins

Kind = Literal["blacklist", "takedown"]

# A shorter beginning of an id is a slip rather than a name.
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Excluded:
    """What excluding images did.

    Attributes
    ----------
    kind
        ``blacklist``, ``takedown``, or empty where images were taken off the blacklist.
    changed
        Ids of the images that this was new for.
    unchanged
        Ids of those it held for already.
    files
        Files that were removed: images and their working copies.
    """

    kind: Kind | Literal[""]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    files: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "schema": "freshset.exclusion/1",
            "kind": self.kind,
            "changed": list(self.changed),
            "unchanged": list(self.unchanged),
            "files": self.files,
        }


def excluded(connection: sa.Connection, *, kind: str = "") -> dict[str, str]:
    """Reasons of the images that no sample may take, by id: all, or one kind of exclusion."""
    query = sa.select(exclusions.c.item_id, exclusions.c.reason)
    if kind:
        query = query.where(exclusions.c.kind == kind)
    return {row.item_id: row.reason for row in connection.execute(query)}


def blacklist(project: Project, names: Sequence[str], *, who: str, why: str) -> Excluded:
    """Keep images out of all samples from now on; they stay where they are.

    Parameters
    ----------
    names
        As of `find_images`.

    Raises
    ------
    UsageError
        When there is no such image.
    """
    with project.change("image.blacklist", who=who, why=why) as change:
        return blacklist_within(change, names, why)


def blacklist_within(change: Change, names: Sequence[str], why: str) -> Excluded:
    """Blacklist images within a change that is under way; see `blacklist`."""
    ids = find_images(change.connection, names)
    known = _kinds(change.connection, ids)
    new = [item_id for item_id in ids if item_id not in known]
    _exclude(change, new, "blacklist", why)
    change.detail["images"] = new
    return Excluded("blacklist", tuple(new), tuple(sorted(known)))


def release(project: Project, names: Sequence[str], *, who: str, why: str) -> Excluded:
    """Take images off the blacklist again.

    Raises
    ------
    UsageError
        When there is no such image, or it was taken down.
    """
    with project.change("image.release", who=who, why=why) as change:
        ids = find_images(change.connection, names)
        known = _kinds(change.connection, ids)
        down = sorted(item_id for item_id, kind in known.items() if kind == "takedown")
        if down:
            raise UsageError(
                f"{down[0]} was taken down.", "What was taken down is gone; it does not come back."
            )
        _include(change, known)
        change.detail["images"] = sorted(known)
    return Excluded("", tuple(sorted(known)), tuple(i for i in ids if i not in known))


def take_down(project: Project, names: Sequence[str], *, who: str, why: str) -> Excluded:
    """Remove the files of images; that they were there, and why they went, stays.

    Each has an entry of its own in the log.  Taking down again removes what an interruption left.
    Vectors that duplicates were looked for in go too.

    Parameters
    ----------
    names
        As of `find_images`.

    Raises
    ------
    UsageError
        When there is no such image.
    """
    with project.read() as connection:
        ids = find_images(connection, names)
        known = _kinds(connection, ids)
        query = sa.select(images.c.path)
        paths = [
            connection.execute(query.where(images.c.item_id == item_id)).scalar_one()
            for item_id in ids
        ]
    new = [item_id for item_id in ids if known.get(item_id) != "takedown"]
    for item_id in new:
        with project.change("image.takedown", who=who, why=why, subject=item_id) as change:
            _include(change, [item_id])  # it may be on the blacklist
            _exclude(change, [item_id], "takedown", why)
    # Only now, so that no file is missing without a word.
    files = sum(remove_image(project.folder, path) for path in paths)
    # Vectors hold the pixels of all images; they are made again when they are wanted.
    vectors = project.folder / VECTORS
    if vectors.exists():
        shutil.rmtree(vectors)
    return Excluded("takedown", tuple(new), tuple(i for i in ids if i not in new), files)


def find_images(connection: sa.Connection, names: Sequence[str]) -> list[str]:
    """Ids of images, in the order of their names, each once.

    Parameters
    ----------
    names
        Ids or unique beginnings of ids of at least 6 letters, or where an image was found: its URL,
        its page, or the source's key.

    Raises
    ------
    UsageError
        When there is no such image, or a beginning is of several.
    """
    out: dict[str, None] = {}
    for name in names:
        found = _by_id(connection, name) or _by_origin(connection, name)
        if not found:
            raise NotFoundError(
                f"No image {name!r}.", "Give an id, its beginning, or where it was found."
            )
        out |= dict.fromkeys(found)
    return list(out)


def _by_id(connection: sa.Connection, name: str) -> list[str]:
    column = images.c.item_id
    query = sa.select(column).where(column == name)
    if len(name) >= _SHORTEST:
        query = sa.select(column).where(column.startswith(name, autoescape=True)).limit(2)
    found = list(connection.execute(query).scalars())
    if len(found) > 1:
        raise UsageError(f"Several images begin with {name!r}.", "Give more letters of the id.")
    return found


def _by_origin(connection: sa.Connection, name: str) -> list[str]:
    c = origins.c
    query = sa.select(c.item_id).distinct().order_by(c.item_id)
    query = query.where(
        c.item_id.is_not(None), sa.or_(c.url == name, c.page == name, c.key == name)
    )
    return [str(item_id) for item_id in connection.execute(query).scalars()]


def _kinds(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """How images are excluded, of those that are."""
    query = sa.select(exclusions.c.item_id, exclusions.c.kind)
    kinds = {row.item_id: str(row.kind) for row in connection.execute(query)}
    return {item_id: kinds[item_id] for item_id in ids if item_id in kinds}


def _include(change: Change, ids: Iterable[str]) -> None:
    for item_id in ids:
        change.connection.execute(sa.delete(exclusions).where(exclusions.c.item_id == item_id))


def _exclude(change: Change, ids: Sequence[str], kind: Kind, reason: str) -> None:
    rows = [
        {"item_id": id, "kind": kind, "reason": reason, "who": change.who, "at": change.at}
        for id in ids
    ]
    if rows:
        change.connection.execute(sa.insert(exclusions), rows)
