from __future__ import annotations

from itertools import pairwise

import pytest
from fakes.found import put_found
from fakes.pool import exclude, pair

from freshset.core.errors import NotFoundError
from freshset.replication.duplicates.completeness import review_bounds
from freshset.replication.duplicates.pairs import Pending, Said, pending_pairs, record_verdicts
from freshset.replication.duplicates.reviewing import (
    Bound,
    Desk,
    Distance,
    around,
    bounds_of,
    distances_of,
    look_at,
    read_desk,
    turns,
)
from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project
from freshset.replication.spec_sections import DuplicatesSpec

RULES = DuplicatesSpec(thresholds={"pixels": 10.0, "phash": 4.0}, neighbours=30)


@pytest.fixture
def found(found: Project) -> Project:
    """That of the folder, with features of some images."""
    put_found(found, "features", {"a": ({"b": 7.0}, 7.0)}, "abc")  # not all images
    return found


def desk_of(project: Project) -> Desk:
    with project.read() as connection:
        return read_desk(connection, RULES)


def say(project: Project, a: str, b: str, verdict: str, version: int = 0) -> None:
    record_verdicts(project, [Said(a, b, verdict, version)], who="eve", why="looked")


def test_an_old_desk_has_the_queue_of_now(found: Project) -> None:
    exclude(found, "y")
    pair(found, "a", "b")
    desk = desk_of(found)
    pair(found, "c", "x")
    exclude(found, "b")
    with found.read() as connection:
        fresh = desk.renewed(connection)
        expected = pending_pairs(connection, RULES.thresholds, RULES.neighbours)
    assert fresh.queue == expected
    assert [(one.a, one.b) for one in fresh.queue] == [("a", "x")]


def test_what_is_taken_back_waits_again(found: Project) -> None:
    say(found, "a", "x", "duplicate")
    desk = desk_of(found)
    assert ("a", "x") not in [(one.a, one.b) for one in desk.queue]
    say(found, "a", "x", "open", 1)
    with found.read() as connection:
        first = desk.renewed(connection).queue[0]
        assert read_state(connection).edges() == {}
    assert (first.a, first.b, first.version) == ("a", "x", 2)
    say(found, "a", "x", "different", 2)


def test_reviewers_begin_with_different_pairs() -> None:
    queue = [Pending(f"a{k}", f"b{k}", {}, k / 40) for k in range(40)]
    orders = {name: turns(queue, ["ann", "bo", "cy"], name) for name in ("ann", "bo", "cy")}
    assert turns(queue, ["ann", "bo"], "cy") == orders["cy"]
    firsts = [set(map(id, order[:6])) for order in orders.values()]
    assert not firsts[0] & firsts[1]
    assert not firsts[1] & firsts[2]
    for order in orders.values():
        assert sorted(order, key=lambda one: one.closeness) == queue
        steps = [b.closeness < a.closeness for a, b in pairwise(order)]
        assert sum(steps) == 2  # closest first within each of three shares
    assert turns(queue, [], "ann") == queue


def test_all_distances_of_a_pair(found: Project) -> None:
    with found.read() as connection:
        known = around(connection, "by")
        assert distances_of(known, ("b", "y"), RULES.thresholds) == [
            Distance("phash", None, None, 4.0),
            Distance("pixels", None, 10.0, 10.0),
        ]
        known = around(connection, "ab")
    rows = distances_of(known, ("a", "b"), RULES.thresholds)
    assert rows == [
        Distance("features", 7.0, None, None),
        Distance("phash", None, 4.0, 4.0),
        Distance("pixels", 2.0, None, 10.0),
    ]
    assert [one.within for one in rows] == [False, False, True]


@pytest.mark.parametrize("step", range(4))
def test_bounds_are_those_of_all(found: Project, step: int) -> None:
    changes = [
        lambda: say(found, "a", "b", "different"),
        lambda: say(found, "a", "x", "duplicate"),
        lambda: exclude(found, "y"),
    ]
    for change in changes[:step]:
        change()
    desk = desk_of(found)
    metrics = ["features", "phash", "pixels"]
    with found.read() as connection:
        expected = review_bounds(connection, metrics)
        for item in "abc":
            bounds = bounds_of(desk, around(connection, [item]), item)
            there = {one.metric: one.distance for one in bounds}
            assert there == {m: expected[m][item] for m in there}
            assert there.keys() >= {"phash", "pixels"}
        assert bounds_of(desk, around(connection, "x"), "x") == []


def test_a_look_at_a_pair(found: Project) -> None:
    desk = desk_of(found)
    with found.read() as connection:
        before = look_at(connection, desk, "x", "a")
        with pytest.raises(NotFoundError, match="no such pair"):
            look_at(connection, desk, "a", "a")
        with pytest.raises(NotFoundError, match="no such pair"):
            look_at(connection, desk, "a", "q")
    assert (before.a, before.b, before.version, before.verdict, before.why) == (
        "a",
        "x",
        0,
        None,
        "",
    )
    assert (before.facts["x"].original, before.bounds["x"], before.link) == (True, (), "")
    assert [one.value for one in before.distances if one.metric == "pixels"] == [8.0]
    say(found, "a", "x", "duplicate")
    with found.read() as connection:
        after = look_at(connection, desk.renewed(connection), "a", "x")
    assert after.verdict is not None
    assert (after.verdict.verdict, after.verdict.who, after.version) == ("duplicate", "eve", 1)
    assert after.why == "looked"


def test_when_a_review_is_complete() -> None:
    assert Bound("m", 2.0, 1.0).complete
    assert not Bound("m", 1.0, 1.0).complete
    assert not Bound("m", 1.0, None).complete
