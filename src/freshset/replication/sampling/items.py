"""All that is known of one image: origins, answers, neighbours, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import NotFoundError
from freshset.core.frequencies import Frequencies
from freshset.replication.collecting.facts import ImageFacts, image_facts
from freshset.replication.duplicates.reviewing import around
from freshset.replication.duplicates.state import Verdict, ordered
from freshset.replication.journal import Entry
from freshset.replication.tables import log, pairs
from freshset.stats.selection import beta_posterior

LEVEL = 0.95
"""Of the intervals of frequencies."""

_NAMED = ("image.blacklist", "image.release", "pairs.verdict")
"""Actions whose entries name images in their details rather than as their subject."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What people said of an image and a class.

    Attributes
    ----------
    selected, answers
        Under the spec's policy on workers.
    low, high
        Equal-tailed interval of the frequency at `LEVEL`, from a uniform prior.
    """

    class_key: str
    selected: float
    answers: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image nearby.

    Attributes
    ----------
    verdict
        What was said of the two; ``None`` where nothing was.
    """

    metric: str
    item_id: str
    distance: float
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """All that is known of one image.

    Attributes
    ----------
    asked
        By class, in the order of the keys.
    neighbours
        By metric, nearest first.
    history
        Entries of the log that are about it, oldest first.
    """

    facts: ImageFacts
    asked: tuple[Asked, ...]
    neighbours: tuple[Neighbour, ...]
    history: tuple[Entry, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "facts": self.facts.to_dict(),
            "asked": [asdict(one) for one in self.asked],
            "neighbours": [asdict(one) for one in self.neighbours],
            "history": [one.to_dict() for one in self.history],
        }


def item_page(connection: sa.Connection, frequencies: Frequencies, item_id: str) -> ItemPage:
    """Gather all that is known of an image.

    Raises
    ------
    NotFoundError
        When the project has no such image.
    """
    facts = image_facts(connection, [item_id]).get(item_id)
    if facts is None:
        raise NotFoundError(f"No image {item_id!r}.", "Give the whole id of one.")
    return ItemPage(
        facts,
        tuple(_asked(frequencies, facts)),
        tuple(_neighbours(connection, item_id)),
        history_of(connection, item_id),
    )


def history_of(connection: sa.Connection, item_id: str) -> tuple[Entry, ...]:
    """Entries of the log that are about an image, oldest first."""
    c = log.c
    named = sa.cast(c.detail, sa.String).contains(item_id, autoescape=True)
    about = sa.or_(c.subject == item_id, sa.and_(c.action.in_(_NAMED), named))
    query = sa.select(log).where(about).order_by(c.seq)
    return tuple(Entry(*row) for row in connection.execute(query))


def _asked(frequencies: Frequencies, facts: ImageFacts) -> Iterator[Asked]:
    rows = frequencies[np.flatnonzero(frequencies.item_ids == facts.item_id)]
    keys = sorted({use.class_key for use in facts.uses} | set(rows.class_keys.tolist()))
    place = {key: row for row, key in enumerate(rows.class_keys.tolist())}
    for key in keys:
        row = place.get(key)
        selected, answers = (
            (0.0, 0.0) if row is None else (float(rows.selected[row]), float(rows.answers[row]))
        )
        found = beta_posterior(selected, answers, level=LEVEL)
        yield Asked(key, selected, answers, float(found.low), float(found.high))


def _neighbours(connection: sa.Connection, item_id: str) -> Iterator[Neighbour]:
    p = pairs.c
    query = sa.select(p.a, p.b, p.verdict, p.version, p.who, p.at)
    query = query.where(sa.or_(p.a == item_id, p.b == item_id))
    said = {(a, b): Verdict(*verdict) for a, b, *verdict in connection.execute(query)}
    known = around(connection, [item_id])
    for (_, metric), near in sorted(known.nearest.items()):
        for one, distance in near:
            yield Neighbour(metric, one, distance, said.get(ordered(item_id, one)))
