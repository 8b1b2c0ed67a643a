from __future__ import annotations

import pytest
from fakes.web import Client

from freshset.replication.collecting.excluding import take_down
from freshset.replication.labelling.examples import example_items
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project


@pytest.fixture
def worker(client_as, project: Project) -> Client:
    make_tasks(project, who="ada", why="first")
    return client_as("worker")


def test_examples_of_a_task(worker: Client) -> None:
    task_id = worker.post("/api/labelling/next").json()["task"]["task_id"]
    urls = worker.get(f"/api/labelling/tasks/{task_id}/examples").json()["urls"]
    assert urls == [f"/labelling/tasks/{task_id}/examples/{n}" for n in range(len(urls))]
    assert 4 <= len(urls) <= 6  # four training images, and test images that no task shows
    answers = [worker.get(url) for url in urls]
    assert all(one.headers["content-type"] == "image/png" for one in answers)
    assert len({one.content for one in answers}) == len(urls)


def test_an_image_that_was_taken_down_is_no_example_any_more(
    worker: Client, project: Project
) -> None:
    task = worker.post("/api/labelling/next").json()["task"]
    path = f"/api/labelling/tasks/{task['task_id']}/examples"
    before = worker.get(path).json()["urls"]
    with project.read() as connection:
        (first, *_) = example_items(connection, task["asked"]["key"])
    shown = worker.get(before[0]).content
    take_down(project, [first], who="ada", why="somebody asked")
    after = worker.get(path).json()["urls"]
    assert shown not in [worker.get(url).content for url in after]
    assert len(after) >= len(before) - 1


def test_examples_are_only_for_whom_the_task_was_given(worker: Client, client_as) -> None:
    task_id = worker.post("/api/labelling/next").json()["task"]["task_id"]
    other: Client = client_as("worker")
    for path in (
        f"/api/labelling/tasks/{task_id}/examples",
        f"/labelling/tasks/{task_id}/examples/0",
    ):
        assert worker.get(path).status_code == 200
        assert other.get(path).status_code == 404
        assert client_as("").get(path).status_code == 401
    for number, status in (("6", 404), ("-1", 404), ("x", 422), ("../../../etc/passwd", 404)):
        answer = worker.get(f"/labelling/tasks/{task_id}/examples/{number}")
        assert answer.status_code == status
