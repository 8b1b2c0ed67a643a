from __future__ import annotations

import numpy as np
from fakes.pictures import discs, png, put_picture
from fakes.pool import exclude, pair

from freshset.replication.duplicates.state import State, Verdict, ordered, read_state
from freshset.replication.project import Project


def test_what_a_project_knows(any_project: Project, rng: np.random.Generator) -> None:
    one, other, third = (discs(rng, 16) for _ in range(3))
    a = put_picture(any_project, png(one), "candidate", photo="1")
    b = put_picture(any_project, png(other), "candidate", key="dog", photo="1")
    c = put_picture(any_project, png(third), "test")
    d = put_picture(any_project, png(one) + b"\0", "train")  # other bytes, the same pixels
    put_picture(any_project, png(one), "candidate", key="lynx")
    exclude(any_project, b)
    pair(any_project, a, c)
    with any_project.read() as connection:
        state = read_state(connection)
    assert state.candidates == {a: {"cat", "lynx"}, b: {"dog"}}
    assert state.originals == {c, d}
    assert state.excluded == {b}
    assert state.searched == {a, c, d}
    assert state.links == {ordered(a, b): "photo", ordered(a, d): "pixels"}
    assert state.verdicts[ordered(a, c)].verdict == "duplicate"
    assert state.edges() == {
        ordered(a, b): "photo", ordered(a, d): "pixels", ordered(a, c): "verdict",
    }  # fmt: skip


def test_links_can_be_undone() -> None:
    said = {("a", "b"): Verdict("cut", 1), ("b", "c"): Verdict("different", 1)}
    links = {("a", "b"): "photo", ("a", "c"): "pixels", ("b", "c"): "photo"}
    state = State({}, frozenset(), frozenset("x"), said, links)
    assert state.edges() == {("a", "c"): "pixels"}
    assert state.settled(("a", "b"))
    assert state.settled(("a", "c"))
    assert state.settled(("a", "x"))
    assert not state.settled(("c", "d"))
