from __future__ import annotations

import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, item, shown

from freshset.core.errors import NotFoundError
from freshset.replication.collecting.excluding import blacklist
from freshset.replication.labelling.examples import class_of_task, example_items
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.replication.tables import slots


def _examples(project: Project, key: str = "cat") -> list[str]:
    with project.read() as connection:
        return example_items(connection, key)


def test_examples_come_from_the_training_part_first(any_project: Project) -> None:
    assert _examples(any_project) == []
    add_images(any_project, "test", {"cat": 8, "dog": 1})
    add_images(any_project, "train", {"cat": 2})
    found = _examples(any_project)
    assert set(found[:2]) == {item(f"train-cat-{n}.jpg") for n in range(2)}
    assert set(found[2:]) < {item(f"test-cat-{n}.jpg") for n in range(8)}
    assert len(set(found)) == len(found) == 6
    assert found == _examples(any_project)


def test_no_example_is_excluded_or_shown_by_a_task(any_project: Project) -> None:
    add_images(any_project, "test", {"cat": 12, "dog": 12, "lynx": 12})
    add_images(any_project, "candidate", {"cat": 40, "dog": 40, "lynx": 40})
    before = _examples(any_project)
    blacklist(any_project, before[:1], who="ada", why="blurred")
    make_tasks(any_project, who="ada", why="first")
    after = _examples(any_project)
    assert not set(after) & {*shown(any_project)["item_id"], before[0]}
    assert after


def test_the_class_of_a_task_is_only_for_whom_it_was_given(any_project: Project) -> None:
    add_images(any_project, "test", dict.fromkeys(("cat", "dog", "lynx"), 6))
    add_images(any_project, "candidate", {"dog": 42})
    make_tasks(any_project, who="ada", why="first")
    task_id = shown(any_project)["task_id"].iloc[0]
    row = {"task_id": task_id, "slot": 0, "state": "done", "worker": "w1"}
    with any_project.change("labelling.lease", who="w1", why="test") as change:
        change.connection.execute(sa.insert(slots), [row])
    with any_project.read() as connection:
        assert class_of_task(connection, task_id, "w1") == "dog"
        for wrong in ((task_id, "w2"), ("none", "w1")):
            with pytest.raises(NotFoundError):
                class_of_task(connection, *wrong)
