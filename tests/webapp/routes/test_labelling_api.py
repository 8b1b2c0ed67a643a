"""The interface of the labelling page, as its scripts use it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from fakes.web import SPEC, Client

from freshset.replication import tables
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.webapp.routes.labelling_api import Accepted, Desk

PATH = "/api/labelling"


@pytest.fixture(autouse=True)
def tasks(project: Project) -> None:
    make_tasks(project, who="ada", why="test")


@pytest.fixture
def worker(client_as) -> Client:
    return client_as("worker")


def next_task(worker: Client) -> Any:
    return worker.post(f"{PATH}/next").json()["task"]


def send(worker: Client, task: Any, chosen: list[str], changes: Any = None) -> Any:
    body = {"lease": task["lease"], "chosen": chosen} | (changes or {})
    return worker.post(f"{PATH}/tasks/{task['task_id']}/submission", body)


def draft(worker: Client, task: Any, chosen: list[str], version: int) -> Any:
    body = {"lease": task["lease"], "chosen": chosen, "version": version}
    return worker.send("PUT", f"{PATH}/tasks/{task['task_id']}/draft", body)


def test_a_worker_answers_one_task_after_the_other(worker: Client, project: Project) -> None:
    desk = worker.post(f"{PATH}/next").json()
    Desk.model_validate(desk, strict=True)
    seen = []
    while (task := desk["task"]) is not None:
        assert desk["progress"]["done"] == len(seen)
        seen.append(task["task_id"])
        assert len(task["images"]) == 12
        assert task["seconds"] == 600
        answer = send(worker, task, [task["images"][0]["token"]])
        assert answer.status_code == 200, answer.text
        desk = answer.json()
        Accepted.model_validate(desk, strict=True)
        assert (desk["accepted"], desk["repeated"]) == (True, False)
    assert len(seen) == len(set(seen)) == desk["progress"]["done"] == 6
    assert desk["progress"]["left"] == 0
    assert next_task(worker) is None
    assert project.verify_log() > len(seen)


def test_what_is_asked_is_all_that_a_task_tells(worker: Client, project: Project) -> None:
    """No role, id or path of an image, nothing of other workers, and nothing that order tells."""
    task = next_task(worker)
    assert set(task) == {
        "task_id", "lease", "asked", "images", "expires_at", "seconds", "draft",
    }  # fmt: skip
    assert set(task["asked"]) == {"key", "title", "definition", "synonyms", "links"}
    assert all(set(image) == {"token", "url"} for image in task["images"])
    text = json.dumps(task)
    with project.read() as connection:
        for item, path in connection.execute(
            sa.select(tables.images.c.item_id, tables.images.c.path)
        ):
            assert item not in text
            assert path not in text
    assert not [word for word in ("positive", "negative", "candidate", "control") if word in text]


def test_the_same_again_is_told_and_otherwise_refused(worker: Client) -> None:
    task = next_task(worker)
    first, second = (image["token"] for image in task["images"][:2])
    following = send(worker, task, [first]).json()["task"]
    again = send(worker, task, [first])
    assert again.json()["repeated"] is True
    assert again.json()["task"]["lease"] == following["lease"]
    other = send(worker, task, [second])
    assert other.status_code == 409
    assert "The first answer counts" in other.json()["detail"]


def test_drafts_come_back_and_know_who_was_first(worker: Client) -> None:
    task = next_task(worker)
    one, two = (image["token"] for image in task["images"][:2])
    assert draft(worker, task, [one], 0).json() == {"version": 1}
    assert draft(worker, task, [two], 0).status_code == 409
    assert next_task(worker)["draft"] == {"chosen": [one], "version": 1}
    assert draft(worker, task, [two], 1).json() == {"version": 2}
    send(worker, task, [two])
    assert draft(worker, task, [], 2).status_code == 409


def test_what_is_given_back_goes_to_others(worker: Client, client_as) -> None:
    task = next_task(worker)
    path = f"{PATH}/tasks/{task['task_id']}/return"
    assert worker.post(path, {"lease": task["lease"]}).json() == {}
    assert worker.post(path, {"lease": task["lease"]}).status_code == 200
    assert next_task(client_as("worker"))["task_id"] == task["task_id"]


def test_what_another_worker_was_given_is_refused(worker: Client, client_as) -> None:
    task, other = next_task(worker), client_as("worker")
    theirs = next_task(other)
    assert send(other, task, []).status_code == 409
    assert draft(other, task, [], 0).status_code == 409
    path = f"{PATH}/tasks/{task['task_id']}/return"
    assert other.post(path, {"lease": task["lease"]}).status_code == 409
    assert send(worker, task, [], {"lease": theirs["lease"]}).status_code == 409
    assert send(worker, task | {"task_id": "none"}, []).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"chosen": ["0" * 32]},
        {"chosen": ["' OR 1=1 --"]},
        {"chosen": ["0" * 32] * 2_001},
        {"chosen": "all"},
        {"chosen": [1]},
        {"chosen": None},
        {"lease": ""},
        {"lease": "x" * 10_000},
        {"lease": 7},
        {"lease": "\0" * 32},
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    worker: Client, project: Project, changes: Any
) -> None:
    task = next_task(worker)
    answer = send(worker, task, [], changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    with project.read() as connection:
        assert connection.execute(sa.select(tables.answers)).first() is None


def test_images_of_another_task_are_refused(worker: Client, client_as, project: Project) -> None:
    task = next_task(worker)
    query = sa.select(tables.task_items.c.token).where(
        tables.task_items.c.task_id != task["task_id"]
    )
    with project.read() as connection:
        strange = connection.execute(query).scalars().first()
    assert send(worker, task, [strange]).status_code == 422
    assert draft(worker, task, [strange], 0).status_code == 422


def test_nobody_without_a_session_or_the_pages_token(worker: Client, client_as) -> None:
    stranger: Client = client_as("")
    assert stranger.post(f"{PATH}/next").status_code == 401
    assert worker.http.post(f"{PATH}/next").status_code == 403


def test_consent_comes_first_where_it_is_asked_for(worker: Client, project: Project) -> None:
    task = next_task(worker)
    spec = SPEC + "page: {consent: I agree.}\n"
    project.change_spec(spec, who="ada", why="test")
    for answer in (
        worker.post(f"{PATH}/next"),
        send(worker, task, []),
        draft(worker, task, [], 0),
    ):
        assert answer.status_code == 403
        assert "consent" in answer.json()["title"]
