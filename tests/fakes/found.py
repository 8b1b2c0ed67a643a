"""Neighbours as a search would have left them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from freshset.replication.duplicates.searches import Found, Search, put_neighbours, remember
from freshset.replication.project import Project


def put_found(
    project: Project,
    metric: str,
    found: Mapping[str, tuple[Mapping[str, float], float]],
    searched: Collection[str],
    **way: object,
) -> Search:
    """Put neighbours with distances, and how far the search went, by image."""
    search = Search.of(searched, **way)
    rows = {
        item: Found(sorted((d, one) for one, d in near.items()), reach)
        for item, (near, reach) in found.items()
    }
    with project.change("test.found", who="ada", why="test") as change:
        put_neighbours(change.connection, metric, rows, search)
        remember(change.connection, search, searched)
    return search
