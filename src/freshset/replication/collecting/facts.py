"""What is known of single images: where they were found, what they are there for, whether they are out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from freshset.replication.tables import exclusions, images, members, origins

_SOME = 500
_FILE = ("item_id", "path", "width", "height", "format", "bytes")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an image was found; texts are as the source gave them."""

    source: str
    key: str
    class_key: str
    keyword: str
    url: str
    page: str
    author: str
    licence: str
    taken_at: str
    uploaded_at: str
    retrieved_at: str

    @property
    def link(self) -> str:
        """Its page or else its URL where that is of the web; empty otherwise."""
        known = (one for one in (self.page, self.url) if one.startswith(("https://", "http://")))
        return next(known, "")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why no sample may take an image: ``kind`` is ``blacklist`` or ``takedown``."""

    kind: str
    reason: str
    who: str
    at: str


@dataclass(frozen=True, slots=True)
class Use:
    """What an image is there for: a ``pool`` (``candidate``, ``train`` or ``test``) and a class."""

    pool: str
    class_key: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an image.

    Attributes
    ----------
    path
        Of its file, relative to the project's folder.
    width, height
        Of the upright picture, in pixels.
    bytes
        Of the file.
    """

    item_id: str
    path: str
    width: int
    height: int
    format: str
    bytes: int
    uses: tuple[Use, ...]
    origins: tuple[Origin, ...]
    exclusion: Exclusion | None

    @property
    def original(self) -> bool:
        """Whether it is an image of the original."""
        return any(use.pool != "candidate" for use in self.uses)

    @property
    def down(self) -> bool:
        """Whether it was taken down, so that there is no picture."""
        return self.exclusion is not None and self.exclusion.kind == "takedown"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; the file's place stays inside."""
        body = asdict(self)
        del body["path"]
        return body | {"original": self.original}


def image_facts(connection: sa.Connection, item_ids: Sequence[str]) -> dict[str, ImageFacts]:
    """What is known of some images, in their order; those that the project has not are left out."""
    wanted = list(dict.fromkeys(item_ids))
    out: dict[str, ImageFacts] = {}
    for start in range(0, len(wanted), _SOME):
        some = wanted[start : start + _SOME]
        uses = _grouped(connection, members.c, ("pool", "class_key"), some)
        where = _grouped(connection, origins.c, Origin.__slots__, some)
        bars = _grouped(connection, exclusions.c, Exclusion.__slots__, some)
        columns = [images.c[name] for name in _FILE]
        rows = connection.execute(sa.select(*columns).where(images.c.item_id.in_(some)))
        found = {
            row.item_id: ImageFacts(
                **row._mapping,  # noqa: SLF001  # a public attribute by its documentation
                uses=tuple(Use(*one) for one in uses.get(row.item_id, ())),
                origins=tuple(Origin(*one) for one in where.get(row.item_id, ())),
                exclusion=next((Exclusion(*one) for one in bars.get(row.item_id, ())), None),
            )
            for row in rows
        }
        out |= {item: found[item] for item in some if item in found}
    return out


def picture_place(connection: sa.Connection, item_id: str) -> tuple[str, bool] | None:
    """Path of an image's file and whether it was taken down; ``None`` where there is no such image."""
    i, e = images.c, exclusions.c
    both = images.outerjoin(exclusions, e.item_id == i.item_id)
    query = sa.select(i.path, e.kind).select_from(both).where(i.item_id == item_id)
    row = connection.execute(query).first()
    return None if row is None else (str(row.path), row.kind == "takedown")


def _grouped(
    connection: sa.Connection, columns: Any, names: Sequence[str], some: Sequence[str]
) -> dict[str, list[Sequence[Any]]]:
    """Rows of a table by image, in the order of their values."""
    query = sa.select(columns.item_id, *(columns[name] for name in names))
    out: dict[str, list[Sequence[Any]]] = {}
    for item, *row in sorted(_rows(connection, query.where(columns.item_id.in_(some)))):
        out.setdefault(item, []).append(row)
    return out


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[tuple[Any, ...]]:
    return (tuple(row) for row in connection.execute(query))
