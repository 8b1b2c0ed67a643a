"""Posting and fetching, against botocore's own model of MTurk's interface."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import sqlalchemy as sa
from botocore.stub import ANY, Stubber
from fakes.crowd import add_images, shown
from replication.labelling.answers.test_mturk import XML

from freshset.core.errors import DataError, MissingExtraError, StoreError, UsageError
from freshset.replication import tables
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.mturk import (
    Preview,
    connect,
    fetch_answers,
    link_question,
    page_question,
    preview,
    publish,
)
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
SIGNED = ("ada", "test")
PAGE = page_question("https://host/images/{token}.jpg", live=False)
HITS = [f"{n:030d}" for n in range(3)]


@pytest.fixture
def project(tmp_path: Path, spec_text: str) -> Iterator[Project]:
    with Project.create(tmp_path / "project", spec_text, **ME) as project:
        add_images(project, "candidate", {"cat": 50})
        add_images(project, "test", {"cat": 30, "lynx": 30})
        make_tasks(project, **ME)
        yield project


@pytest.fixture
def client() -> Any:
    return boto3.client(
        "mturk", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y",
        endpoint_url="https://mturk-requester-sandbox.us-east-1.amazonaws.com",
    )  # fmt: skip


def states(project: Project) -> list[tuple[str, str, str]]:
    of = tables.tasks.c
    with project.read() as connection:
        query = sa.select(of.task_id, of.status, of.external_id).order_by(of.task_id)
        return [tuple(row) for row in connection.execute(query)]


def expected(task: str) -> dict[str, Any]:
    return {
        "Title": ANY, "Description": ANY, "Keywords": ANY, "Question": ANY, "Reward": "0.10",
        "MaxAssignments": 10, "AssignmentDurationInSeconds": 600, "LifetimeInSeconds": 604_800,
        "AutoApprovalDelayInSeconds": 259_200, "RequesterAnnotation": task,
        "UniqueRequestToken": task,
    }  # fmt: skip


def test_the_cost_is_told_first(project: Project) -> None:
    plan = preview(project)
    assert plan == Preview(2, 10, 0.10, pytest.approx(2 * 10 * 0.10 * 1.4), live=False)
    assert "40 %" in plan.to_dict()["fee"]


def test_every_task_is_posted_once_with_its_id_as_token(project: Project, client: Any) -> None:
    tasks = [task for task, _, _ in states(project)]
    with Stubber(client) as stub:
        stub.add_response("list_hits", {"HITs": []})
        for task, hit in zip(tasks, HITS, strict=False):
            stub.add_response("create_hit", {"HIT": {"HITId": hit}}, expected(task))
        posted = publish(project, client, question=PAGE, plan=preview(project), signed=SIGNED)
        assert posted == 2
        stub.assert_no_pending_responses()
    assert states(project) == [(t, "published", h) for t, h in zip(tasks, HITS, strict=False)]
    entries = list(project.entries(action="tasks.publish"))
    assert [entry.detail["hit"] for entry in entries] == HITS[:2]
    # Nothing is open any more.
    assert publish(project, client, question=PAGE, plan=preview(project), signed=SIGNED) == 0


def test_after_a_refusal_the_rest_is_posted_and_nothing_twice(
    project: Project, client: Any
) -> None:
    tasks = [task for task, _, _ in states(project)]
    with Stubber(client) as stub:
        stub.add_response("list_hits", {"HITs": []})
        stub.add_response("create_hit", {"HIT": {"HITId": HITS[0]}}, expected(tasks[0]))
        stub.add_client_error("create_hit", "ServiceFault", "try again")
        with pytest.raises(StoreError, match=f"MTurk refuses task {tasks[1]}"):
            publish(project, client, question=PAGE, plan=preview(project), signed=SIGNED)
    assert [state for _, state, _ in states(project)] == ["published", "open"]
    with Stubber(client) as stub:
        # The answer to the second one was lost: MTurk has the task already.
        there = [{"HITId": HITS[1], "RequesterAnnotation": tasks[1]}, {"HITId": HITS[2]}]
        stub.add_response("list_hits", {"HITs": there})
        assert publish(project, client, question=PAGE, plan=preview(project), signed=SIGNED) == 1
    assert states(project)[1] == (tasks[1], "published", HITS[1])


@pytest.mark.parametrize("word", ["", "live", "YES"])
def test_live_needs_the_typed_word(project: Project, client: Any, word: str) -> None:
    plan = preview(project, live=True)
    with Stubber(client), pytest.raises(UsageError, match=r"Nothing was posted: .*\$2.80"):
        publish(project, client, question=PAGE, plan=plan, word=word, signed=SIGNED)
    assert {state for _, state, _ in states(project)} == {"open"}


def test_a_preview_of_other_tasks_does_not_do(project: Project, client: Any) -> None:
    plan = preview(project)
    add_images(project, "candidate", {"dog": 3})
    add_images(project, "test", {"dog": 30})
    make_tasks(project, **ME)
    with Stubber(client), pytest.raises(UsageError, match="changed since the preview"):
        publish(project, client, question=PAGE, plan=plan, signed=SIGNED)


def test_answers_are_fetched_and_imported_once(project: Project, client: Any) -> None:
    images = shown(project)
    tasks = [task for task, _, _ in states(project)]
    with project.change("fake", **ME) as change:
        for task, hit in zip(tasks, HITS, strict=False):
            query = sa.update(tables.tasks).where(tables.tasks.c.task_id == task)
            change.connection.execute(query.values(status="published", external_id=hit))
    once = images[~images["item_id"].duplicated(keep=False)]
    tokens = [once.loc[once["task_id"] == task, "token"].iloc[0] for task in tasks]

    def assignment(number: int, worker: str) -> dict[str, Any]:
        return {
            "AssignmentId": f"A{number}{worker}", "WorkerId": worker, "HITId": HITS[number],
            "AssignmentStatus": "Submitted", "AcceptTime": "2026-01-31T00:00:00Z",
            "SubmitTime": "2026-01-31T00:05:00Z",
            "Answer": XML.format(field="selected", text=tokens[number]),
        }  # fmt: skip

    reports = []
    for _ in range(2):
        with Stubber(client) as stub:
            stub.add_response(
                "list_assignments_for_hit",
                {"NextToken": "more", "Assignments": [assignment(0, "W1")]},
                {"HITId": HITS[0]},
            )
            stub.add_response(
                "list_assignments_for_hit",
                {"Assignments": [assignment(0, "W2")]},
                {"HITId": HITS[0], "NextToken": "more"},
            )
            stub.add_response(
                "list_assignments_for_hit",
                {"Assignments": [assignment(1, "W1")]},
                {"HITId": HITS[1]},
            )
            records = fetch_answers(project, client)
        reports.append(import_answers(project, records, source="mturk", **ME))
    assert reports[0].rows == 3 * 48
    assert reports[0].added == reports[1].known > 0
    assert reports[1].added == 0
    with project.read() as connection:
        yes = connection.execute(sa.select(sa.func.sum(tables.answers.c.selected))).scalar_one()
    assert yes == 3


def test_refusals_to_list_are_told(project: Project, client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("list_hits", "AccessDenied", "who are you?")
        with pytest.raises(StoreError, match=r"does not answer .* Check the credentials"):
            publish(project, client, question=PAGE, plan=preview(project), signed=SIGNED)
    with pytest.raises(DataError, match="No task was published"):
        fetch_answers(project, client)
    task = states(project)[0][0]
    with project.change("fake", **ME) as change:
        query = sa.update(tables.tasks).where(tables.tasks.c.task_id == task)
        change.connection.execute(query.values(external_id=HITS[0]))
    with Stubber(client) as stub:
        stub.add_client_error("list_assignments_for_hit", "RequestError", "no such HIT")
        with pytest.raises(StoreError, match="does not list the answers"):
            fetch_answers(project, client)


@pytest.mark.parametrize("url", ["https://host/images", "http://host/{token}.jpg"])
def test_images_lie_at_a_safe_url_with_a_token(url: str) -> None:
    with pytest.raises(UsageError, match="no place for the images"):
        page_question(url, live=False)


def test_pages_of_ones_own(project: Project) -> None:
    from freshset.replication.labelling.task_files import read_tasks

    task = read_tasks(project)[0]
    assert f"https://host/{task.task_id}" in link_question("https://host/{task}")(task)
    with pytest.raises(UsageError, match="no place for the pages"):
        link_question("https://host/")
    assert "workersandbox" in PAGE(task)
    live = page_question("https://host/images/{token}.jpg", live=True)(task)
    assert "workersandbox" not in live


def test_the_sandbox_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    assert "sandbox" in connect().meta.endpoint_url
    assert "sandbox" not in connect(live=True).meta.endpoint_url


def test_without_boto3_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def fail(name: str, *rest: Any, **more: Any) -> Any:
        if name == "boto3":
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(MissingExtraError, match=r"freshset\[mturk\]"):
        connect()


def test_tokens_of_a_live_page_are_those_of_the_task(project: Project) -> None:
    from freshset.replication.labelling.task_files import read_tasks

    task = read_tasks(project)[0]
    question = PAGE(task)
    places = [question.index(token) for token, _ in task.images]
    assert places == sorted(places)
    assert len(np.unique(places)) == 48
