"""What a reviewer of pairs looks at: whose turn a pair is, its distances, and how far each image is.

A project may hold hundreds of thousands of candidates.  What only a search or a collection changes is
read once, the `Desk`; what reviewers change all the time is read anew for each look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from freshset.core.errors import NotFoundError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting.facts import ImageFacts, image_facts
from freshset.replication.duplicates.completeness import Searches, read_searches
from freshset.replication.duplicates.pairs import Pending, pending_pairs
from freshset.replication.duplicates.searches import MARK, Search
from freshset.replication.duplicates.state import (
    Pair,
    State,
    Verdict,
    ordered,
    read_state,
    renewed,
)
from freshset.replication.spec_sections import DuplicatesSpec
from freshset.replication.tables import log, neighbours

ACTIONS = ("candidates.collect", "original.add", "duplicates.find", "spec.change")
"""Entries of the log after which a `Desk` is out of date."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What reviewing pairs needs of a whole project.

    Attributes
    ----------
    rules
        The spec's section on duplicates.
    state
        As it was when the desk was read; `renewed` brings verdicts and exclusions up to date.
    near
        All pairs within a threshold, closest first, whatever was said about them.
    searches
        What searches left, for the metrics that have a threshold.
    """

    rules: DuplicatesSpec
    state: State
    near: tuple[Pending, ...]
    searches: Searches

    def renewed(self, connection: sa.Connection) -> Desk:
        """Read again what reviewers change."""
        return replace(self, state=renewed(connection, self.state))

    @property
    def queue(self) -> list[Pending]:
        """Pairs that wait for a verdict, closest first, with the versions that they have now."""
        state = self.state
        waiting = [one for one in self.near if not state.settled((one.a, one.b))]
        return [replace(one, version=state.version_of((one.a, one.b))) for one in waiting]


def read_desk(connection: sa.Connection, rules: DuplicatesSpec) -> Desk:
    """Read what reviewing pairs needs."""
    state = read_state(connection)
    # Verdicts may be taken back, and images come off the blacklist.
    unsaid = replace(state, verdicts={}, excluded=frozenset())
    near = pending_pairs(connection, rules.thresholds, rules.neighbours, unsaid)
    searches = read_searches(connection, rules.thresholds, state)
    return Desk(rules, state, tuple(near), searches)


def turns(queue: Sequence[Pending], people: Collection[str], me: str) -> list[Pending]:
    """Order a queue so that people who review at the same time begin with different pairs.

    Every pair is somebody's turn, by its digest, and each gets the own ones first, closest first, then
    those of the others.  Nothing is locked: whoever has done all of the own goes on with the rest.

    Parameters
    ----------
    people
        Names of those who may review; `me` counts as one of them.
    """
    everybody = sorted({*people, me})
    mine = everybody.index(me)

    def turn(one: Pending) -> int:
        number = int(sha256_bytes(f"{one.a} {one.b}".encode())[:8], 16)
        return (number - mine) % len(everybody)

    return sorted(queue, key=turn)


@dataclass(frozen=True, slots=True)
class Distance:
    """Distance of two images in a metric.

    Attributes
    ----------
    value
        ``None`` where neither is among the other's neighbours that were kept.
    beyond
        Where there is no value, a distance that they are at least apart; ``None`` where that is not
        known either.
    threshold
        Of the spec; ``None`` where the metric has none.
    """

    metric: str
    value: float | None
    beyond: float | None
    threshold: float | None

    @property
    def within(self) -> bool:
        """Whether they are close enough to be reviewed."""
        if self.value is None or self.threshold is None:
            return False
        return self.value <= self.threshold


@dataclass(frozen=True, slots=True)
class Bound:
    """How far the review of an image has come in a metric.

    Attributes
    ----------
    distance
        Below it all neighbours were reviewed; see `freshset.replication.duplicates.completeness`.
    threshold
        Of the spec; the review is complete when the distance is larger.
    """

    metric: str
    distance: float
    threshold: float | None

    @property
    def complete(self) -> bool:
        """Whether the image may be taken as far as this metric goes."""
        return self.threshold is not None and self.distance > self.threshold


@dataclass(frozen=True, slots=True)
class Around:
    """The neighbours that are kept of some images.

    Attributes
    ----------
    nearest
        By image and metric: neighbours with their distances, nearest first.
    marks
        By image and metric: what was searched, and how far.
    """

    nearest: Mapping[tuple[str, str], Sequence[tuple[str, float]]]
    marks: Mapping[tuple[str, str], tuple[Search, float]]

    @property
    def metrics(self) -> list[str]:
        """All metrics in which any of the images was searched."""
        return sorted({metric for _, metric in self.marks} | {metric for _, metric in self.nearest})


def around(connection: sa.Connection, items: Collection[str]) -> Around:
    """Read the neighbours of a few images in all metrics."""
    n = neighbours.c
    query = sa.select(n.item_id, n.metric, n.rank, n.neighbour, n.distance)
    query = query.where(n.item_id.in_(sorted(items))).order_by(n.item_id, n.metric, n.rank)
    nearest: dict[tuple[str, str], list[tuple[str, float]]] = {}
    marks: dict[tuple[str, str], tuple[Search, float]] = {}
    for item, metric, rank, one, distance in connection.execute(query):
        if rank == MARK:
            marks[item, metric] = (Search.parse(one), float(distance))
        else:
            nearest.setdefault((item, metric), []).append((one, float(distance)))
    return Around(nearest, marks)


def distances_of(known: Around, pair: Pair, thresholds: Mapping[str, float]) -> list[Distance]:
    """Distances of a pair in every metric that the project has for it."""
    out = []
    for metric in sorted({*known.metrics, *thresholds}):
        found = [
            distance
            for here, there in (pair, pair[::-1])
            for one, distance in known.nearest.get((here, metric), ())
            if one == there
        ]
        reach = [known.marks[item, metric][1] for item in pair if (item, metric) in known.marks]
        out.append(
            Distance(
                metric,
                min(found, default=None),
                None if found else max(reach, default=None),
                thresholds.get(metric),
            )
        )
    return out


@dataclass(frozen=True, slots=True)
class Look:
    """A pair with all that helps to judge it.

    Attributes
    ----------
    facts
        Of the two images.
    distances
        In all metrics that the project has for them.
    bounds
        By image, how far its review has come.
    link
        ``photo`` or ``pixels`` where they belong together without any verdict, else empty.
    verdict
        What was said last; ``None`` where nothing was.
    why
        The reason that was given with it.
    """

    a: str
    b: str
    facts: Mapping[str, ImageFacts]
    distances: tuple[Distance, ...]
    bounds: Mapping[str, tuple[Bound, ...]]
    link: str
    verdict: Verdict | None
    why: str

    @property
    def version(self) -> int:
        """Of the verdict, 0 where there is none."""
        return 0 if self.verdict is None else self.verdict.version


def look_at(connection: sa.Connection, desk: Desk, a: str, b: str) -> Look:
    """Gather what helps to judge a pair.

    Raises
    ------
    NotFoundError
        When the project has no such images.
    """
    pair = ordered(a, b)
    facts = image_facts(connection, pair)
    if len(facts) != 2:
        raise NotFoundError("There is no such pair.", "Look at the list of those that wait.")
    known = around(connection, pair)
    verdict = desk.state.verdicts.get(pair)
    return Look(
        *pair,
        facts,
        tuple(distances_of(known, pair, desk.rules.thresholds)),
        {item: tuple(bounds_of(desk, known, item)) for item in pair},
        desk.state.links.get(pair, ""),
        verdict,
        "" if verdict is None else _why(connection, verdict),
    )


def _why(connection: sa.Connection, verdict: Verdict) -> str:
    """The reason of a verdict, which only the log has."""
    c = log.c
    query = sa.select(c.why).where(c.action == "pairs.verdict", c.at == verdict.at)
    return str(connection.execute(query.limit(1)).scalar_one_or_none() or "")


def bounds_of(desk: Desk, known: Around, item: str) -> list[Bound]:
    """How far the review of a candidate has come, as `review_bounds` says for all; none for others."""
    state = desk.state
    if item not in state.candidates:
        return []
    out = []
    for metric in sorted({*known.metrics, *desk.rules.thresholds}):
        search, reach = known.marks.get((item, metric), (None, 0.0))
        bound = reach if search and desk.searches.whole(search.images, state) else 0.0
        for one, distance in known.nearest.get((item, metric), ()):
            if distance < bound and not state.settled(ordered(item, one)):
                bound = distance
        out.append(Bound(metric, bound, desk.rules.thresholds.get(metric)))
    return out
