"""Where the nodes of a small graph are drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from freshset.stats.types import FloatArray

_MOST = 400
"""Nodes from which on they stay on the circle."""
_STEPS = 150


def place_nodes(nodes: Sequence[str], edges: Collection[tuple[str, str]]) -> dict[str, FloatArray]:
    """Place linked nodes near each other and all others apart; the same graph always looks the same.

    Parameters
    ----------
    nodes
        Names, each once.
    edges
        Pairs of them.

    Returns
    -------
    dict
        Two coordinates of each node, from 0 to 1.

    Notes
    -----
    Forces of Fruchterman and Reingold (1991), "Graph drawing by force-directed placement", from a
    circle on, with a temperature that falls to nothing.
    """
    n = len(nodes)
    angle = 2 * np.pi * np.arange(n) / max(1, n)
    at = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if 2 < n <= _MOST:
        place = {node: row for row, node in enumerate(nodes)}
        linked = np.zeros((n, n), dtype=bool)
        for a, b in edges:
            linked[place[a], place[b]] = linked[place[b], place[a]] = True
        ideal = 2 / np.sqrt(n)
        for step in range(_STEPS):
            away = at[:, None] - at[None, :]
            distance = np.maximum(np.linalg.norm(away, axis=2), 1e-9)
            force = ideal**2 / distance - np.where(linked, distance**2 / ideal, 0.0)
            np.fill_diagonal(force, 0.0)
            move = (away / distance[:, :, None] * force[:, :, None]).sum(axis=1)
            length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
            at = at + move / length * np.minimum(length, 0.2 * (1 - step / _STEPS))
    low, high = at.min(axis=0, initial=np.inf), at.max(axis=0, initial=-np.inf)
    size = np.maximum(high - low, 1e-9)
    scaled = np.where(high - low > 1e-9, (at - low) / size, 0.5)
    return dict(zip(nodes, scaled, strict=True))
