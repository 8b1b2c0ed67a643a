"""What a project knows of duplicates: images, verdicts, and what belongs together without any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import sqlalchemy as sa

from freshset.replication.tables import exclusions, images, members, origins, pairs, settings

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody said about a pair: ``duplicate``, ``different``, or ``cut``, a link undone."""

    verdict: str
    version: int
    who: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Images and links of a project.

    Attributes
    ----------
    candidates
        Ids, with the classes that they are candidates of.
    originals
        Ids of the original's train and test images.
    excluded
        Ids of images that nobody may take.
    verdicts
        By pair, the lower id first.
    links
        Pairs of one source photo (``photo``) or of equal pixels (``pixels``).
    asked
        Ids of images that somebody wants to stay in their components.
    """

    candidates: Mapping[str, frozenset[str]]
    originals: frozenset[str]
    excluded: frozenset[str]
    verdicts: Mapping[Pair, Verdict]
    links: Mapping[Pair, str]
    asked: frozenset[str] = frozenset()

    def edges(self) -> dict[Pair, str]:
        """Pairs that are duplicates, with why: a reviewer's verdict, the pixels, or the photo."""
        undone = {pair for pair, said in self.verdicts.items() if said.verdict != "duplicate"}
        marked = {p: "verdict" for p, said in self.verdicts.items() if said.verdict == "duplicate"}
        return {pair: why for pair, why in self.links.items() if pair not in undone} | marked

    @property
    def searched(self) -> frozenset[str]:
        """Images among which neighbours are looked for."""
        return (self.originals | self.candidates.keys()) - self.excluded

    def settled(self, pair: Pair) -> bool:
        """Whether nobody needs to look at a pair."""
        return pair in self.verdicts or pair in self.links or not self.excluded.isdisjoint(pair)


def ordered(a: str, b: str) -> Pair:
    """Return a pair as the tables hold it, the lower id first."""
    return (a, b) if a < b else (b, a)


def read_state(connection: sa.Connection) -> State:
    """Read what is known of duplicates."""
    m, p = members.c, pairs.c
    candidates: defaultdict[str, set[str]] = defaultdict(set)
    originals = set()
    for item, pool, key in connection.execute(sa.select(m.item_id, m.pool, m.class_key)):
        if pool == "candidate":
            candidates[item].add(key)
        else:
            originals.add(item)
    said = connection.execute(sa.select(p.a, p.b, p.verdict, p.version, p.who, p.at))
    known = candidates.keys() | originals
    return State(
        {item: frozenset(keys) for item, keys in candidates.items()},
        frozenset(originals),
        frozenset(connection.execute(sa.select(exclusions.c.item_id)).scalars()),
        {(row.a, row.b): Verdict(row.verdict, row.version, row.who, row.at) for row in said},
        _links(connection, known),
        frozenset(read_asked(connection)),
    )


ASKED = "duplicates.keep"


def read_asked(connection: sa.Connection) -> list[str]:
    """Images that somebody wants to stay in their components."""
    query = sa.select(settings.c.value).where(settings.c.key == ASKED)
    return list(connection.execute(query).scalar_one_or_none() or ())


def _links(connection: sa.Connection, known: Iterable[str]) -> dict[Pair, str]:
    o, i, there = origins.c, images.c, frozenset(known)
    photos = sa.select(o.source + ":" + o.key, o.item_id).where(o.item_id.is_not(None))
    out: dict[Pair, str] = {}
    for why, query in (("photo", photos), ("pixels", sa.select(i.pixels, i.item_id))):
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for key, item in connection.execute(query):
            if item in there:
                groups[key].add(item)
        for group in groups.values():
            out |= dict.fromkeys(combinations(sorted(group), 2), why)
    return out
