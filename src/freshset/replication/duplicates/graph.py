"""Which images belong together when some pairs of them do."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def component_numbers(links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Number of the connected component of every item that has a link, in the order of the items."""
    pairs = list(links)
    items = sorted({item for pair in pairs for item in pair})
    at = {item: number for number, item in enumerate(items)}
    a, b = (np.array([at[pair[side]] for pair in pairs], dtype=np.int64) for side in (0, 1))
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (a, b)), shape=(len(items), len(items)))
    _, numbers = connected_components(graph, directed=False)
    return dict(zip(items, numbers.tolist(), strict=True))
