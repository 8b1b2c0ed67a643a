from __future__ import annotations

import math

import sqlalchemy as sa
from fakes.found import put_found

from freshset.replication.duplicates.searches import (
    Search,
    make_plan,
    read_marks,
    read_neighbours,
    read_searched,
)
from freshset.replication.project import Project
from freshset.replication.tables import settings


def test_a_mark_says_what_was_searched() -> None:
    search = Search.of(["b", "a"], k=3)
    assert Search.parse(str(search)) == search == Search.of(["a", "b"], k=3)
    assert search.images != Search.of(["a"], k=3).images
    assert search.way != Search.of(["a", "b"], k=4).way
    assert len(str(search)) <= 255


def test_neighbours_and_reach_come_back(any_project: Project) -> None:
    found = {"a": ({"b": 2.0, "c": 1.0}, 2.0), "b": ({}, math.inf)}
    search = put_found(any_project, "pixels", found, "abc")
    with any_project.read() as connection:
        near = read_neighbours(connection, "pixels", ["a", "b"])
        marks = read_marks(connection, "pixels")
        assert read_neighbours(connection, "ssim", ["a"]) == {"a": []}
        assert read_searched(connection, [search.images]) == {search.images: {"a", "b", "c"}}
    assert near == {"a": [(1.0, "c"), (2.0, "b")], "b": []}
    assert marks == {"a": (search, 2.0), "b": (search, math.inf)}


def test_only_what_is_new_is_searched(any_project: Project) -> None:
    search = put_found(any_project, "pixels", {"a": ({"b": 1.0}, 1.0)}, "abc", k=1)

    def plan(ids: str, candidates: str = "ab", **way: object) -> object:
        with any_project.read() as connection:
            now = Search.of(ids, **(way or {"k": 1}))
            return make_plan(connection, "pixels", list(candidates), now, sorted(ids))

    assert plan("abc").whole == ["b"]
    assert plan("abc").added == []
    assert plan("abcde", "a").added == [(["d", "e"], ["a"])]
    assert plan("abcde").items == ["a"]
    assert plan("abc", k=2).whole == ["a", "b"]  # another way
    assert plan("ab", "a").whole == []  # c is gone, which was no neighbour
    assert plan("ac", "a").whole == ["a"]  # b is gone, which was one
    with any_project.change("test", who="ada", why="x") as change:
        change.connection.execute(sa.delete(settings).where(settings.c.key.contains(search.images)))
    assert plan("abc", "a").whole == ["a"]  # nobody knows any more what was searched


def test_what_no_mark_names_is_forgotten(any_project: Project) -> None:
    first = put_found(any_project, "pixels", {"a": ({}, 1.0)}, "ab")
    second = put_found(any_project, "ssim", {"a": ({}, 1.0)}, "abc")
    with any_project.read() as connection:
        assert len(read_searched(connection, [first.images, second.images])) == 2
    third = put_found(any_project, "pixels", {"a": ({}, 1.0)}, "abcd")
    put_found(any_project, "pixels", {"a": ({}, 1.0)}, "abcd")
    with any_project.read() as connection:
        known = read_searched(connection, [first.images, second.images, third.images])
    assert known == {second.images: set("abc"), third.images: set("abcd")}
