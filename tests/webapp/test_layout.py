from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from freshset.webapp.layout import place_nodes


def test_the_same_graph_looks_the_same() -> None:
    edges = [("a", "b"), ("b", "c")]
    first, second = place_nodes("abc", edges), place_nodes("abc", edges)
    for node in "abc":
        np.testing.assert_array_equal(first[node], second[node])


def test_linked_nodes_lie_near_each_other() -> None:
    nodes = [f"{side}{k}" for side in "lr" for k in range(4)]
    edges = [
        (a, b) for side in "lr" for a in nodes for b in nodes if a < b and a[0] == b[0] == side
    ]
    at = place_nodes(nodes, [*edges, ("l0", "r0")])
    inside = [np.linalg.norm(at[a] - at[b]) for a, b in edges]
    across = [np.linalg.norm(at[a] - at[b]) for a in nodes for b in nodes if a < b and a[0] != b[0]]
    assert np.mean(inside) < 0.5 * np.mean(across)
    corner = np.array(list(at.values()))
    assert corner.min() == pytest.approx(0)
    assert corner.max() == pytest.approx(1)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 401])
def test_any_number_of_nodes(count: int) -> None:
    nodes = [f"{k:03}" for k in range(count)]
    at = place_nodes(nodes, list(pairwise(nodes)))
    assert list(at) == nodes
    assert all(
        np.isfinite(one).all() and (one >= 0).all() and (one <= 1).all() for one in at.values()
    )
