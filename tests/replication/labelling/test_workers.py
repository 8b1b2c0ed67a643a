from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from fakes.crowd import add_images, shown

from freshset.replication import tables
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.quality import WorkerQuality
from freshset.replication.labelling.workers import task_seconds, worker_records
from freshset.replication.people import invite, join
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}


def quality(*workers: tuple[str, float, float, bool]) -> WorkerQuality:
    """Worker, answers, controls right of 10, and whether they failed."""
    names, answers, right, failed = zip(*workers, strict=True)
    n = len(workers)
    return WorkerQuality(
        np.array(names, dtype=object), np.array(answers), np.full(n, 10.0), np.array(right),
        np.full(n, 0.1), np.full(n, 0.9), np.array(failed), np.ones(n),
    )  # fmt: skip


def submitted(project: Project, times: list[tuple[str, str, str]]) -> None:
    """Worker, when given and when submitted, a task each."""
    add_images(project, "candidate", {"cat": 42 * len(times)})
    add_images(project, "test", {"cat": 30, "lynx": 30})
    make_tasks(project, **ME)
    tasks = sorted(set(shown(project)["task_id"]))
    rows = [
        {
            "task_id": task, "slot": 0, "state": "done", "worker": worker, "leased_at": begun,
            "submitted_at": ended,
        }
        for task, (worker, begun, ended) in zip(tasks, times, strict=True)
    ]  # fmt: skip
    free = {"task_id": tasks[0], "slot": 1, "state": "free", "worker": None}
    with project.change("fake", **ME) as change:
        change.connection.execute(sa.insert(tables.slots), rows)
        change.connection.execute(sa.insert(tables.slots), [free])


def at(second: float) -> str:
    return f"2030-01-01T00:00:{second:09.6f}+00:00"


def test_the_median_time_of_a_task(any_project: Project) -> None:
    times = [("b", at(0), at(30)), ("a", at(1), at(11.5)), ("b", at(10), at(20))]
    # Imported answers fill places without a beginning, and clocks jump.
    times += [("b", at(0), at(12)), ("c", "", at(3)), ("a", at(9), at(2))]
    submitted(any_project, times)
    with any_project.read() as connection:
        assert task_seconds(connection) == {"a": (2, 10.5), "b": (3, 12.0), "c": (1, None)}


def test_people_have_names_and_others_have_none(any_project: Project) -> None:
    person = join(any_project, invite(any_project, "worker", who="ada").invitation_id, "Bo")
    bo = hash_worker(person.person_id, any_project.salt)
    submitted(any_project, [(bo, at(1), at(4))])
    known = quality(("crowd", 50.0, 9.0, False), (bo, 40.0, 8.0, False), ("bad", 3.0, 1.0, True))
    with any_project.read() as connection:
        records = worker_records(connection, known, any_project.salt)
    # Who failed comes first, then who answered most.
    assert [one.worker for one in records] == ["bad", "crowd", bo]
    assert [one.name for one in records] == ["", "", "Bo"]
    assert (records[2].tasks, records[2].seconds, records[2].accuracy) == (1, 3.0, 0.8)
    assert (records[1].tasks, records[1].seconds) == (0, None)
    assert records[0].to_dict()["failed"]


def test_nobody_has_submitted(any_project: Project) -> None:
    with any_project.read() as connection:
        assert task_seconds(connection) == {}
