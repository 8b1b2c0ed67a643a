"""Many workers served at once: each gets what they would have got alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.desk import tokens
from fakes.web import SPEC

from freshset.core.errors import DataError
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.submissions import Submission
from freshset.replication.people import Person
from freshset.replication.project import Project
from freshset.webapp.desk import Body, Call, serve
from freshset.webapp.errors import Forbidden

AT = "2026-01-01T00:00:00.000000+00:00"


@pytest.fixture(autouse=True)
def tasks(project: Project) -> None:
    make_tasks(project, who="ada", why="test")


def person(name: str) -> Person:
    return Person(
        name, name, "worker", active=True, epoch=1, joined_at=AT, consented_at="", qualified_at=""
    )


def served(project: Project, *calls: Call) -> list[Body]:
    with project.together() as together:
        return [one if isinstance(one, dict) else {"error": one} for one in serve(together, calls)]


def answered(project: Project, worker: str, task: Body, chosen: list[str]) -> Call:
    return Call(
        person(worker), worker, (), Submission(worker, task["task_id"], task["lease"], chosen)
    )


def test_answers_are_taken_before_tasks_are_given(project: Project) -> None:
    a, b = (one["task"] for one in served(project, *(Call(person(w), w) for w in "ab")))
    assert a["task_id"] == b["task_id"]
    assert [image["token"] for image in a["images"]] == tokens(project, a["task_id"])
    first = a["images"][0]["token"]
    done, wrong, late = served(
        project,
        answered(project, "a", a, [first]),
        answered(project, "b", b, ["0" * 32]),
        Call(person("c"), "c"),
    )
    assert (done["accepted"], done["repeated"], done["progress"]["done"]) == (True, False, 1)
    assert done["task"]["task_id"] > a["task_id"]
    assert isinstance(wrong["error"], DataError)
    assert (late["task"]["task_id"], late["progress"]["done"]) == (a["task_id"], 0)
    assert "accepted" not in late
    again, same = served(
        project, answered(project, "a", a, [first]), answered(project, "a", a, [first])
    )
    assert again == same
    assert (again["repeated"], again["task"]) == (True, done["task"])
    assert served(project) == []


def test_who_may_not_label_yet_keeps_nobody_else_waiting(project: Project) -> None:
    project.change_spec(SPEC + "page: {consent: Answers are kept.}\n", who="ada", why="test")
    asked, agreed = person("a"), replace(person("b"), consented_at=AT)
    said = served(project, Call(asked, "a"), Call(agreed, "b"))
    assert isinstance(said[0]["error"], Forbidden)
    assert "consent" in str(said[0]["error"])
    assert said[1]["task"] is not None
