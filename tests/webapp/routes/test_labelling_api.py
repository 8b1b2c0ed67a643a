"""The interface of the labelling page, as its scripts use it."""

from __future__ import annotations

import pytest
from fakes.web import Client

from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project


@pytest.fixture(autouse=True)
def tasks(project: Project) -> None:
    make_tasks(project, who="ada", why="test")


def test_a_worker_answers_one_task_after_the_other(client_as, project: Project) -> None:
    worker: Client = client_as("worker")
    desk = worker.post("/api/labelling/next").json()
    seen = []
    while (task := desk["task"]) is not None:
        assert desk["progress"]["done"] == len(seen)
        seen.append(task["task_id"])
        assert len(task["images"]) == 12
        assert worker.get(task["images"][0]["url"]).headers["content-type"] == "image/png"
        body = {"lease": task["lease"], "chosen": [task["images"][0]["token"]]}
        answer = worker.post(f"/api/labelling/tasks/{task['task_id']}/submission", body)
        assert answer.status_code == 200, answer.text
        desk = answer.json()
    assert len(seen) == len(set(seen)) == desk["progress"]["done"] > 3
    assert desk["progress"]["left"] == 0
    assert project.verify_log() > len(seen)
