from __future__ import annotations

import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, shown
from fakes.mturk import FakeMTurk

from freshset.core.errors import DataError, NotFoundError, StoreError
from freshset.replication import tables
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.crowd_work import (
    find_batch,
    find_posted,
    find_posted_image,
    read_assignments,
    read_batches,
)
from freshset.replication.labelling.grids import close_tasks, make_tasks
from freshset.replication.labelling.mturk import link_question, preview, publish
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


def posted(project: Project, *, live: bool = False) -> FakeMTurk:
    """A batch of two tasks on MTurk, and one more that is not."""
    add_images(project, "candidate", {"cat": 84})
    add_images(project, "test", {"cat": 30, "dog": 30, "lynx": 30})
    make_tasks(project, **ME)
    client = FakeMTurk()
    publish(
        project, client, question=link_question("https://host/mturk/tasks/{task}"),
        plan=preview(project, live=live), word="LIVE" if live else "", signed=("ada", "test"),
    )  # fmt: skip
    add_images(project, "candidate", {"dog": 42}, prefix="later-")
    make_tasks(project, **ME)
    return client


def tokens(project: Project, task: str, *roles: str) -> list[str]:
    images = shown(project)
    return images[(images["task_id"] == task) & images["role"].isin(roles)]["token"].tolist()


def tasks_of(project: Project, batch: str) -> list[str]:
    of = tables.tasks.c
    with project.read() as connection:
        query = sa.select(of.task_id).where(of.batch == batch).order_by(of.task_id)
        return list(connection.execute(query).scalars())


def test_batches_and_where_they_were_posted(any_project: Project) -> None:
    posted(any_project, live=True)
    close_tasks(any_project, "002", **ME)
    with any_project.read() as connection:
        second, first = read_batches(connection)
        assert find_batch(connection, "001") == first
        with pytest.raises(NotFoundError, match="no batch '003'"):
            find_batch(connection, "003")
    assert (first.open, first.published, first.closed, first.posted) == (0, 2, 0, 2)
    assert first.live is True
    assert (second.open, second.published, second.closed, second.posted) == (0, 0, 1, 0)
    assert second.live is None
    assert second.to_dict()["batch"] == "002"


def test_the_sandbox_is_told_from_the_real_thing(project: Project) -> None:
    posted(project)
    with project.read() as connection:
        assert find_batch(connection, "001").live is False


def test_only_what_was_posted_is_shown_to_a_crowd(any_project: Project) -> None:
    posted(any_project)
    (theirs, _), (ours,) = (tasks_of(any_project, batch) for batch in ("001", "002"))
    images = shown(any_project).set_index("token")["item_id"]
    token, hidden = (tokens(any_project, task, "candidate")[0] for task in (theirs, ours))
    with any_project.read() as connection:
        assert find_posted(connection, theirs) == "cat"
        assert find_posted_image(connection, token) == images[token]
        for wrong in (ours, "x", "'"):
            with pytest.raises(NotFoundError, match="no such task"):
                find_posted(connection, wrong)
        for wrong in (hidden, "x"):
            with pytest.raises(NotFoundError, match="no such image"):
                find_posted_image(connection, wrong)


def test_assignments_with_their_controls(any_project: Project) -> None:
    client = posted(any_project)
    first, second = tasks_of(any_project, "001")
    good = tokens(any_project, first, "positive", "candidate")
    client.submit(first, "W1", good, seconds=90)
    client.submit(second, "W1", tokens(any_project, second, "negative"))
    later, sooner = read_assignments(any_project, client, "001")
    assert (sooner.task_id, later.task_id) == (first, second)
    assert (sooner.controls, sooner.right, sooner.images, sooner.chosen) == (6, 6, 48, len(good))
    assert (later.controls, later.right) == (6, 0)
    assert sooner.worker == later.worker == hash_worker("W1", any_project.salt)
    assert (sooner.status, sooner.seconds, sooner.waits) == ("Submitted", 90.0, True)
    assert sooner.submitted_at == "2030-01-01T00:01:30+00:00"


def test_who_has_not_submitted_yet_is_left_out(project: Project) -> None:
    client = posted(project)
    (task, _) = tasks_of(project, "001")
    name = client.submit(task, "W1", [])
    del client.assignments[name]["SubmitTime"], client.assignments[name]["Answer"]
    assert read_assignments(project, client, "001") == ()
    assert read_assignments(project, client, "002") == ()


def test_what_cannot_be_is_told(project: Project) -> None:
    client = posted(project)
    (task, _) = tasks_of(project, "001")
    client.submit(task, "W1", ["0" * 32])
    with pytest.raises(DataError, match="ASSIGNMENT0: '0{32}' is no image of its task"):
        read_assignments(project, client, "001")
    with pytest.raises(NotFoundError):
        read_assignments(project, client, "009")
    client.broken = {"list_assignments_for_hit"}
    with pytest.raises(StoreError, match=r"does not list .*try again.* Check the credentials"):
        read_assignments(project, client, "001")
