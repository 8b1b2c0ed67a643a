"""How far the review of an image's neighbours has come, as a distance.

For a metric, the bound of an image is the distance of its nearest neighbour that nobody has reviewed:
every image that is nearer has been looked at.  Among the neighbours that are kept this is read off the
table.  Beyond them nothing is known but that they are no nearer than the search went, so the bound is
never larger than that, even when all that is kept was reviewed.  (The scripts of ImageNetV2 took 1e100
then.)  It is infinite only when every image there is was compared and kept.  Where an image was never
searched, or others came since, nothing is complete and the bound is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from freshset.replication.databases import plain_rows
from freshset.replication.duplicates.searches import MARK, read_marks, read_searched
from freshset.replication.duplicates.state import State, ordered, read_state
from freshset.replication.tables import neighbours


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
    n = neighbours.c
    out: dict[str, dict[str, float]] = {}
    for metric in metrics:
        bounds = dict.fromkeys(state.candidates, 0.0)
        marks = read_marks(connection, metric)
        searched = read_searched(connection, {search.images for search, _ in marks.values()})
        whole = {digest for digest, ids in searched.items() if state.searched <= ids}
        for item, (search, distance) in marks.items():
            if item in bounds and search.images in whole:
                bounds[item] = distance
        query = sa.select(n.item_id, n.neighbour, n.distance)
        query = query.where(n.metric == metric, n.rank > MARK)
        if isinstance(metrics, Mapping):
            query = query.where(n.distance <= metrics[metric])
        for item, neighbour, distance in plain_rows(connection, query):
            if distance < bounds.get(item, 0.0) and not state.settled(ordered(item, neighbour)):
                bounds[item] = distance
        out[metric] = bounds
    return out
