from __future__ import annotations

import pytest
from fakes.found import put_found
from fakes.pool import add_images

from freshset.replication.project import Project


@pytest.fixture
def found(any_project: Project) -> Project:
    """Candidates a, b, c and original images x, y, with neighbours in two metrics."""
    add_images(any_project, "abc", "cat")
    add_images(any_project, "xy", "cat", pool="test")
    put_found(
        any_project,
        "pixels",
        {
            "a": ({"b": 2.0, "x": 8.0, "y": 11.0}, 11.0),
            "b": ({"a": 2.0, "c": 10.0}, 10.0),
            "c": ({"x": 1.0, "b": 10.0}, 10.0),
        },
        "abcxy",
    )
    put_found(any_project, "phash", {"a": ({"x": 0.0, "y": 4.0}, 4.0)}, "abcxy")
    return any_project
