"""Neighbours in the table, and the marks there: which images a search went through, and how far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from freshset.core.files import canonical_json, sha256_bytes
from freshset.replication.databases import plain_rows
from freshset.replication.tables import neighbours, settings

MARK = -1
"""Rank of the row of an image that says what was searched (as its neighbour) and how far."""

_KEY = "searched "


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched for the neighbours of an image.

    Attributes
    ----------
    images
        Digest of the ids of the images that were gone through.
    way
        Digest of what made the distances and how many were to be kept.
    """

    images: str
    way: str

    @classmethod
    def of(cls, ids: Collection[str], **way: Any) -> Search:
        """Describe a search through images, the way of it in plain values."""
        return cls(_short("\n".join(sorted(ids)).encode()), _short(canonical_json(way)))

    @classmethod
    def parse(cls, text: str) -> Search:
        """Read a mark."""
        images, _, way = text.partition(" ")
        return cls(images, way)

    def __str__(self) -> str:
        return f"{self.images} {self.way}"


def _short(data: bytes) -> str:
    return sha256_bytes(data)[:40]


def read_marks(connection: sa.Connection, metric: str) -> dict[str, tuple[Search, float]]:
    """What was searched for each image, and the distance below which its neighbours are complete."""
    n = neighbours.c
    query = sa.select(n.item_id, n.neighbour, n.distance)
    rows = plain_rows(connection, query.where(n.metric == metric, n.rank == MARK))
    known: dict[str, Search] = {}
    return {
        item: (known.setdefault(text, Search.parse(text)), float(distance))
        for item, text, distance in rows
    }


def read_searched(
    connection: sa.Connection, digests: Iterable[str] | None = None
) -> Mapping[str, frozenset[str]]:
    """Ids of the images behind digests, by default all; those that are not known are left out."""
    query = sa.select(settings.c.key, settings.c.value).where(settings.c.key.startswith(_KEY))
    if digests is not None:
        query = query.where(settings.c.key.in_([f"{_KEY}{digest}" for digest in set(digests)]))
    return {key.removeprefix(_KEY): frozenset(value) for key, value in connection.execute(query)}


def remember(connection: sa.Connection, search: Search, ids: Collection[str]) -> None:
    """Keep which images a digest stands for, and forget those that no mark names any more."""
    n, s = neighbours.c, settings.c
    used = connection.execute(sa.select(n.neighbour).where(n.rank == MARK).distinct()).scalars()
    kept = {f"{_KEY}{Search.parse(text).images}" for text in used} | {f"{_KEY}{search.images}"}
    there = set(connection.execute(sa.select(s.key).where(s.key.startswith(_KEY))).scalars())
    for key in there - kept:
        connection.execute(sa.delete(settings).where(s.key == key))
    key = f"{_KEY}{search.images}"
    if key not in there:
        connection.execute(sa.insert(settings), [{"key": key, "value": sorted(ids)}])


@dataclass(frozen=True, slots=True)
class Found:
    """Neighbours of one image.

    Attributes
    ----------
    nearest
        Distances and ids, nearest first, the lower id first among equals.
    reach
        No image that is not among them is nearer than this.
    """

    nearest: Sequence[tuple[float, str]]
    reach: float


Known = Mapping[str, Sequence[tuple[float, str]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be searched.

    Attributes
    ----------
    whole
        Images to compare with all.
    added
        Images that came since, and those to compare with them only.
    """

    whole: Sequence[str]
    added: Sequence[tuple[Sequence[str], Sequence[str]]]

    @property
    def items(self) -> list[str]:
        """All that are compared with new images only."""
        return [item for _, items in self.added for item in items]


def make_plan(
    connection: sa.Connection,
    metric: str,
    candidates: Sequence[str],
    search: Search,
    ids: Sequence[str],
) -> Plan:
    """Compare what the marks say with what is wanted.

    Parameters
    ----------
    candidates
        Whose neighbours are wanted.
    search, ids
        What is to be gone through now.
    """
    marks = read_marks(connection, metric)
    searched = read_searched(connection, {one.images for one, _ in marks.values()})
    now = frozenset(ids)
    n = neighbours.c
    query = sa.select(n.item_id, n.neighbour).where(n.metric == metric, n.rank > MARK)
    stale = {item for item, one in connection.execute(query) if one not in now}
    whole: list[str] = []
    added: defaultdict[str, list[str]] = defaultdict(list)
    for item in candidates:
        mark = marks[item][0] if item in marks else None
        if mark is None or mark.way != search.way or mark.images not in searched or item in stale:
            whole.append(item)
        elif not now <= searched[mark.images]:
            added[mark.images].append(item)
    news = {digest: sorted(now - searched[digest]) for digest in added}
    return Plan(whole, [(news[digest], items) for digest, items in added.items()])


def read_neighbours(
    connection: sa.Connection, metric: str, items: Collection[str]
) -> dict[str, list[tuple[float, str]]]:
    """Neighbours of some images, nearest first."""
    n, wanted = neighbours.c, frozenset(items)
    out: dict[str, list[tuple[float, str]]] = {item: [] for item in wanted}
    if wanted:
        query = sa.select(n.item_id, n.distance, n.neighbour)
        query = query.where(n.metric == metric, n.rank > MARK).order_by(n.item_id, n.rank)
        for item, distance, one in connection.execute(query):
            if item in wanted:
                out[item].append((float(distance), one))
    return out


def put_neighbours(
    connection: sa.Connection, metric: str, found: Mapping[str, Found], search: Search
) -> None:
    """Put neighbours in the place of those that are there."""
    n = neighbours.c
    items = sorted(found)
    for start in range(0, len(items), 500):
        some = items[start : start + 500]
        connection.execute(sa.delete(neighbours).where(n.metric == metric, n.item_id.in_(some)))
        rows: list[dict[str, Any]] = []
        for item in some:
            nearest = [(found[item].reach, str(search)), *found[item].nearest]
            rows += (
                {"item_id": item, "metric": metric, "rank": rank, "neighbour": one,
                 "distance": distance}
                for rank, (distance, one) in enumerate(nearest, MARK)
            )  # fmt: skip
        connection.execute(sa.insert(neighbours), rows)
