from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from fakes.crowd import add_images, shown

from freshset.replication import tables
from freshset.replication.labelling.grids import close_tasks, make_tasks
from freshset.replication.labelling.standing import AtWork, read_at_work, read_standing
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
NOON = "2030-01-02T12:00:30.000000+00:00"


def slot(task: str, number: int, state: str, **more: str | None) -> dict[str, str | int | None]:
    row = {"worker": None, "lease": "", "leased_at": "", "expires_at": "", "submitted_at": ""}
    return row | {"task_id": task, "slot": number, "state": state} | more


def with_tasks(project: Project) -> list[str]:
    """Two tasks for cats, of which the first has all answers that are wanted, and one for lynxes."""
    add_images(project, "candidate", {"cat": 80, "lynx": 42})
    add_images(project, "test", {"cat": 30, "dog": 9, "lynx": 30})
    make_tasks(project, **ME)
    images = shown(project).drop_duplicates("task_id").sort_values(["class_key", "task_id"])
    ids = images["task_id"].tolist()
    done = [
        slot(ids[0], n, "done", worker=f"w{n}", submitted_at=f"2030-01-02T11:{50 + n}:59.0+00:00")
        for n in range(10)
    ]
    rest = [
        slot(ids[1], 0, "done", worker="w1", submitted_at="2030-01-01T12:00:00.0+00:00"),
        slot(ids[1], 1, "leased", worker="w2", expires_at="2030-01-02T12:05:00.000000+00:00"),
        slot(ids[1], 2, "leased", worker="w3", expires_at="2030-01-02T12:00:00.000000+00:00"),
        slot(ids[1], 3, "free"),
        slot(ids[2], 0, "leased", worker="w2", expires_at="2030-01-02T12:05:00.000000+00:00"),
        slot(ids[2], 1, "done", worker="w4", submitted_at="2029-12-30T12:00:00.0+00:00"),
    ]
    with project.change("fake", **ME) as change:
        change.connection.execute(sa.insert(tables.slots), done + rest)
        of = tables.tasks
        close = sa.update(of).where(of.c.task_id == ids[0]).values(status="closed")
        change.connection.execute(close)
        publish = sa.update(of).where(of.c.task_id == ids[2]).values(status="published")
        change.connection.execute(publish)
        row = {"item_id": "i", "class_key": "cat", "selected": 1.0}
        change.connection.execute(sa.insert(tables.answers), [row | {"worker": w} for w in "ab"])
    return ids


def test_what_is_done_and_wanted(any_project: Project) -> None:
    with_tasks(any_project)
    with any_project.read() as connection:
        got = read_standing(connection, any_project.spec, NOON)
        at_work = read_at_work(connection, NOON)
    assert (got.at, got.answers) == (NOON, 2)
    assert got.tasks == {"closed": 1, "open": 1, "published": 1}
    # dog has no tasks; the open task of cat wants ten answers, as the spec says.
    assert [one.key for one in got.classes] == ["cat", "lynx"]
    cat, lynx = got.classes
    assert (cat.tasks, cat.closed, cat.done, cat.left) == (2, 1, 11, 9)
    assert (lynx.title, lynx.tasks, lynx.closed, lynx.done, lynx.left) == (
        "Eurasian lynx", 1, 0, 1, 9,
    )  # fmt: skip
    assert (got.done, got.left) == (12, 18)
    assert (cat.share, lynx.share) == (pytest.approx(11 / 20), pytest.approx(1 / 10))
    # w3's lease is over.
    assert at_work == AtWork(workers=1, tasks=2)
    assert json.loads(json.dumps(got.to_dict()))["schema"] == "freshset.labelling-standing/1"


def test_images_answered_by_time(any_project: Project) -> None:
    with_tasks(any_project)
    with any_project.read() as connection:
        got = read_standing(connection, any_project.spec, NOON)
    # The answer of three days ago is too old.
    assert len(got.by_minute) == 11
    assert got.by_minute["2030-01-02T11:50"] == (1, 48)
    tasks, minutes = zip(*got.series(NOON, steps=60, minutes=1), strict=True)
    assert len(minutes) == 60
    assert sum(tasks) == 10
    assert (minutes[-1], minutes[-2], minutes[-11], sum(minutes)) == (0, 48, 48, 480)
    _, hours = zip(*got.series(NOON, steps=48, minutes=60), strict=True)
    # The hour ends with the minute of noon, so that 11:01 to 12:00 is the last.
    assert (hours[-1], hours[-25], sum(hours)) == (480, 48, 528)
    # Time goes on though nothing happens.
    later = got.series("2030-01-02T12:55:00+00:00", steps=60, minutes=1)
    assert sum(images for _, images in later) == 48 * 4


def test_answers_from_elsewhere_finish_tasks_too(any_project: Project) -> None:
    add_images(any_project, "candidate", {"cat": 42})
    add_images(any_project, "test", {"cat": 30, "lynx": 30})
    batch = make_tasks(any_project, **ME)
    close_tasks(any_project, batch.batch, **ME)
    with any_project.read() as connection:
        (cat,) = read_standing(connection, any_project.spec, NOON).classes
    assert (cat.closed, cat.done, cat.left, cat.share) == (1, 0, 0, 1.0)


def test_nothing_to_do_is_all_done(any_project: Project) -> None:
    with any_project.read() as connection:
        got = read_standing(connection, any_project.spec, NOON)
        assert read_at_work(connection, NOON) == AtWork(0, 0)
    assert (got.answers, got.tasks, got.classes, got.by_minute) == (0, {}, (), {})
    assert got.series(NOON, steps=3, minutes=1) == ((0, 0),) * 3
