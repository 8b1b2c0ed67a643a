"""What a project knows of duplicates: images, verdicts, and what belongs together without any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from freshset.replication.databases import plain_rows
from freshset.replication.membership import Membership, read_membership
from freshset.replication.tables import exclusions, images, origins, pairs, settings

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody said about a pair.

    ``duplicate``, ``different``, ``cut`` (a link undone), or ``open``: what was said is taken back.
    """

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
        undone = {p for p, said in self.verdicts.items() if said.verdict in {"different", "cut"}}
        marked = {p: "verdict" for p, said in self.verdicts.items() if said.verdict == "duplicate"}
        return {pair: why for pair, why in self.links.items() if pair not in undone} | marked

    @property
    def searched(self) -> frozenset[str]:
        """Images among which neighbours are looked for."""
        return (self.originals | self.candidates.keys()) - self.excluded

    def settled(self, pair: Pair) -> bool:
        """Whether nobody needs to look at a pair."""
        said = pair in self.verdicts and self.verdicts[pair].verdict != "open"
        return said or pair in self.links or not self.excluded.isdisjoint(pair)

    def version_of(self, pair: Pair) -> int:
        """Version of the verdict on a pair, 0 where there is none."""
        return self.verdicts[pair].version if pair in self.verdicts else 0


def ordered(a: str, b: str) -> Pair:
    """Return a pair as the tables hold it, the lower id first."""
    return (a, b) if a < b else (b, a)


def read_state(connection: sa.Connection, membership: Membership | None = None) -> State:
    """Read what is known of duplicates.

    Parameters
    ----------
    membership
        Of the project, where it was read already.
    """
    membership = membership or read_membership(connection)
    is_candidate = membership.pools == "candidate"
    candidates = _classes_of(membership[is_candidate])
    originals = frozenset(membership.item_ids[~is_candidate].tolist())
    return State(
        candidates,
        originals,
        links=_links(connection, candidates.keys() | originals),
        **_decided(connection),
    )


def renewed(connection: sa.Connection, state: State) -> State:
    """Read again what reviewers change: verdicts, exclusions, and what shall be kept."""
    return replace(state, **_decided(connection))


def _decided(connection: sa.Connection) -> dict[str, Any]:
    p = pairs.c
    said = plain_rows(connection, sa.select(p.a, p.b, p.verdict, p.version, p.who, p.at))
    return {
        "excluded": frozenset(connection.execute(sa.select(exclusions.c.item_id)).scalars()),
        "verdicts": {(a, b): Verdict(*verdict) for a, b, *verdict in said},
        "asked": frozenset(read_asked(connection)),
    }


def _classes_of(candidates: Membership) -> dict[str, frozenset[str]]:
    items, keys = candidates.item_ids.tolist(), candidates.class_keys.tolist()
    # Most images are there for one class only, and all of a class share one set.
    alone = {key: frozenset([key]) for key in set(keys)}
    out: dict[str, frozenset[str]] = {}
    for item, key in zip(items, keys, strict=True):
        out[item] = out[item] | alone[key] if item in out else alone[key]
    return out


ASKED = "duplicates.keep"


def read_asked(connection: sa.Connection) -> list[str]:
    """Images that somebody wants to stay in their components."""
    query = sa.select(settings.c.value).where(settings.c.key == ASKED)
    return list(connection.execute(query).scalar_one_or_none() or ())


def _links(connection: sa.Connection, known: Collection[str]) -> dict[Pair, str]:
    o, i = origins.c, images.c
    out: dict[Pair, str] = {}
    for why, item_id, same in (
        ("photo", o.item_id, (o.source, o.key)),
        ("pixels", i.item_id, (i.pixels,)),
    ):
        groups: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for item, *place in plain_rows(connection, _sharing(item_id, same)):
            if item in known:
                groups[tuple(place)].add(item)
        for group in groups.values():
            out |= dict.fromkeys(combinations(sorted(group), 2), why)
    return out


def _sharing(item_id: sa.Column[str], same: Sequence[sa.Column[str]]) -> sa.Executable:
    """Images of the rows that have some columns in common with another row, with those columns."""
    several = sa.select(*same).group_by(*same).having(sa.func.count() > 1).subquery()
    shared = sa.and_(*(column == several.c[column.name] for column in same))
    return sa.select(item_id, *same).select_from(item_id.table.join(several, shared))
