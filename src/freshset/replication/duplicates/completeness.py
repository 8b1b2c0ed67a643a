"""How far the review of an image's neighbours has come, as a distance.

For a metric, the bound of an image is the distance of its nearest neighbour that nobody has reviewed:
every image that is nearer has been looked at.  Among the neighbours that are kept this is read off the
table.  Beyond them nothing is known but that they are no nearer than the search went, so the bound is
never larger than that, even when all that is kept was reviewed.  (The scripts of ImageNetV2 took 1e100
then.)  It is infinite only when every image there is was compared and kept.  Where an image was never
searched, or others came since, nothing is complete and the bound is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from freshset.replication.databases import plain_rows
from freshset.replication.duplicates.searches import MARK, read_marks, read_searched
from freshset.replication.duplicates.state import State, ordered, read_state
from freshset.replication.tables import neighbours


@dataclass(frozen=True, slots=True)
class Searches:
    """What searches left, which no reviewer changes.

    Attributes
    ----------
    reach
        By metric and image: digest of what was searched, and the distance below which its neighbours
        are complete.
    near
        By metric: images with a neighbour each and the distance.
    missing
        By digest of what was searched: images that are in the project and were not.
    """

    reach: Mapping[str, Mapping[str, tuple[str, float]]]
    near: Mapping[str, Sequence[tuple[str, str, float]]]
    missing: Mapping[str, frozenset[str]]

    def whole(self, digest: str, state: State) -> bool:
        """Whether a search went through all images that are not excluded."""
        return digest in self.missing and self.missing[digest] <= state.excluded

    def bounds(self, state: State) -> dict[str, dict[str, float]]:
        """Bound of every candidate by metric, after what reviewers have said; see `review_bounds`."""
        whole = {digest for digest in self.missing if self.whole(digest, state)}
        out: dict[str, dict[str, float]] = {}
        for metric, reach in self.reach.items():
            bounds = dict.fromkeys(state.candidates, 0.0)
            for item, (digest, distance) in reach.items():
                if item in bounds and digest in whole:
                    bounds[item] = distance
            for item, neighbour, distance in self.near[metric]:
                if distance < bounds.get(item, 0.0) and not state.settled(ordered(item, neighbour)):
                    bounds[item] = distance
            out[metric] = bounds
        return out


def read_searches(connection: sa.Connection, metrics: Collection[str], state: State) -> Searches:
    """Read what searches left; `metrics` as of `review_bounds`."""
    n = neighbours.c
    reach: dict[str, dict[str, tuple[str, float]]] = {}
    near: dict[str, list[tuple[str, str, float]]] = {}
    for metric in metrics:
        marks = read_marks(connection, metric)
        reach[metric] = {item: (one.images, distance) for item, (one, distance) in marks.items()}
        query = sa.select(n.item_id, n.neighbour, n.distance)
        query = query.where(n.metric == metric, n.rank > MARK)
        if isinstance(metrics, Mapping):
            query = query.where(n.distance <= metrics[metric])
        near[metric] = [(a, b, float(distance)) for a, b, distance in plain_rows(connection, query)]
    everything = state.originals | state.candidates.keys()
    searched = read_searched(connection)
    return Searches(reach, near, {one: everything - ids for one, ids in searched.items()})


def review_bounds(
    connection: sa.Connection, metrics: Collection[str], state: State | None = None
) -> dict[str, dict[str, float]]:
    """Compute the bound of every candidate.

    A pair counts as reviewed when it has a verdict, when both are of one photo or have equal pixels,
    or when one of them is excluded.

    Parameters
    ----------
    metrics
        Which.  Where they map to distances, neighbours that are farther are not looked at, so that a
        bound beyond says no more than that it is beyond.
    state
        Of the project, where it was read already.

    Returns
    -------
    By metric and image, in the units of the metric.  An image is as complete as a threshold asks for
    when its bound is larger.
    """
    state = state or read_state(connection)
    return read_searches(connection, metrics, state).bounds(state)
