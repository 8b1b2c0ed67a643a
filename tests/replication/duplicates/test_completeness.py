from __future__ import annotations

import math

import pytest
from fakes.found import put_found
from fakes.pool import add_images, exclude, pair

from freshset.replication.collecting.excluding import release
from freshset.replication.duplicates.completeness import read_searches, review_bounds
from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project


@pytest.fixture
def searched(project: Project) -> Project:
    """a has three neighbours up to 5, b a search that kept all there is, c none."""
    add_images(project, "abc", "cat")
    add_images(project, "xyz", "cat", pool="test")
    near = {"a": ({"x": 1.0, "y": 3.0, "z": 5.0}, 5.0), "b": ({"x": 2.0}, math.inf)}
    put_found(project, "pixels", near, "abcxyz")
    return project


def bounds(project: Project, metric: str = "pixels") -> dict[str, float]:
    with project.read() as connection:
        return review_bounds(connection, [metric])[metric]


def test_the_bound_is_the_nearest_that_nobody_reviewed(searched: Project) -> None:
    assert bounds(searched) == {"a": 1.0, "b": 2.0, "c": 0.0}
    pair(searched, "a", "x", "different")
    assert bounds(searched)["a"] == 3.0
    pair(searched, "a", "z")  # out of order
    assert bounds(searched)["a"] == 3.0
    pair(searched, "a", "y", "cut")
    assert bounds(searched)["a"] == 5.0  # all that is kept is reviewed: no farther than that
    pair(searched, "b", "x", "different")
    assert bounds(searched)["b"] == math.inf


def test_excluded_neighbours_need_no_review(searched: Project) -> None:
    exclude(searched, "x")
    assert bounds(searched) == {"a": 3.0, "b": math.inf, "c": 0.0}


def test_nothing_is_complete_once_others_came(searched: Project) -> None:
    add_images(searched, "n", "cat", pool="train")
    assert bounds(searched) == {"a": 0.0, "b": 0.0, "c": 0.0}
    exclude(searched, "n")
    assert bounds(searched)["a"] == 1.0


def test_a_metric_that_was_not_searched(searched: Project) -> None:
    assert bounds(searched, "ssim") == {"a": 0.0, "b": 0.0, "c": 0.0}


def test_beyond_a_distance_nobody_looks(searched: Project) -> None:
    with searched.read() as connection:
        near = review_bounds(connection, {"pixels": 1.5})["pixels"]
    assert near == {"a": 1.0, "b": math.inf, "c": 0.0}


def test_old_searches_have_the_bounds_of_now(any_project: Project) -> None:
    add_images(any_project, "abcq", "cat")
    exclude(any_project, "q")
    put_found(any_project, "pixels", {"a": ({"b": 1.0, "c": 2.0}, 2.0)}, "abc")
    with any_project.read() as connection:
        searches = read_searches(connection, ["pixels"], read_state(connection))

    def both() -> tuple[float, float]:
        with any_project.read() as connection:
            state = read_state(connection)
            now = review_bounds(connection, ["pixels"], state)["pixels"]["a"]
        return searches.bounds(state)["pixels"]["a"], now

    assert both() == (1.0, 1.0)
    pair(any_project, "a", "b", "different")
    assert both() == (2.0, 2.0)
    release(any_project, ["q"], who="ada", why="was good")  # nobody has searched it
    assert both() == (0.0, 0.0)
