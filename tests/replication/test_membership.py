from __future__ import annotations

from fakes.pool import add_images

from freshset.replication.membership import read_membership
from freshset.replication.project import Project


def test_all_uses_of_images_in_order(any_project: Project) -> None:
    add_images(any_project, ["b", "a"], "dog")
    add_images(any_project, ["a"], "cat")
    add_images(any_project, ["a"], "cat", pool="test")
    with any_project.read() as connection:
        found = read_membership(connection)
    rows = zip(found.item_ids, found.class_keys, found.pools, strict=True)
    assert list(rows) == [
        ("a", "cat", "candidate"), ("a", "cat", "test"), ("a", "dog", "candidate"),
        ("b", "dog", "candidate"),
    ]  # fmt: skip
    assert found[found.pools == "test"].item_ids.tolist() == ["a"]


def test_a_project_without_images(project: Project) -> None:
    with project.read() as connection:
        assert len(read_membership(connection).item_ids) == 0
