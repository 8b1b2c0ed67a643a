from __future__ import annotations

import networkx
from hypothesis import given
from hypothesis import strategies as st

from freshset.replication.duplicates.graph import component_numbers


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=25))
def test_components_are_those_of_networkx(links: list[tuple[int, int]]) -> None:
    named = [(f"i{a}", f"i{b}") for a, b in links]
    found = component_numbers(named)
    expected = {frozenset(c) for c in networkx.connected_components(networkx.Graph(named))}
    parts = {frozenset(i for i in found if found[i] == n) for n in found.values()}
    assert parts == expected
