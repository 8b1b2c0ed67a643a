from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from fakes.mturk import FakeMTurk
from fakes.web import Client

from freshset.core.errors import MissingExtraError
from freshset.replication import tables
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.settings import Settings

ME = {"who": "ada", "why": "test"}
TASKS = 6
BATCH = "/crowd/batches/001"


class Crowd:
    """An owner before a fake MTurk, at an app that people reach by HTTPS or not."""

    def __init__(self, project: Project, *, live: bool = False, scheme: str = "https") -> None:
        self.accounts = {False: FakeMTurk(), True: FakeMTurk()}
        settings = Settings(base_url=f"{scheme}://label.example.org", mturk_live=live)
        self.app = create_app(project, settings)
        self.app.state.services = replace(self.app.state.services, mturk=self.connect)
        invitation = invite(project, "owner", who="ada")
        self.owner = Client(self.app, join(project, invitation.invitation_id, "Eve"))

    def connect(self, *, live: bool = False) -> FakeMTurk:
        return self.accounts[live]

    def publish(self, **more: str) -> Any:
        fields = {"batch": "001", "tasks": str(TASKS), "why": "try it", "live": "false"}
        return self.owner.form("/crowd/publish", **(fields | more))


@pytest.fixture
def tasks(project: Project) -> Project:
    make_tasks(project, **ME)
    return project


@pytest.fixture
def crowd(tasks: Project) -> Crowd:
    return Crowd(tasks)


def submitted(crowd: Crowd, project: Project) -> list[str]:
    """One assignment a task: all positive controls right, of which there are two, and no others."""
    of = tables.task_items.c
    query = sa.select(of.task_id, of.token, of.role).order_by(of.task_id, of.position)
    grids: dict[str, list[str]] = {}
    with project.read() as connection:
        for task, token, role in connection.execute(query):
            grids.setdefault(task, [])
            grids[task] += [token] * (role == "positive")
    return [crowd.accounts[False].submit(task, "W1", some) for task, some in grids.items()]


def test_the_cost_is_told_first(crowd: Crowd) -> None:
    text = crowd.owner.get("/crowd").text
    assert "6 tasks \u00d7 3 workers \u00d7 $0.10" in text
    assert "$2.16" in text
    assert "--mturk-live" in text
    assert 'value="true"' not in text


def test_the_sandbox_is_the_default(crowd: Crowd, project: Project) -> None:
    got = crowd.publish()
    assert (got.status_code, got.headers["location"]) == (303, "/crowd?done=published&n=6&m=0")
    posted = crowd.accounts[False].hits.values()
    assert len(posted) == TASKS
    assert all("https://label.example.org/mturk/tasks/" in hit["Question"] for hit in posted)
    assert crowd.accounts[True].hits == {}
    entry = next(project.entries(action="tasks.publish"))
    assert (entry.who, entry.why, entry.detail["live"]) == ("Eve", "try it", False)
    assert "6 tasks were posted" in crowd.owner.get(got.headers["location"]).text


def test_live_needs_a_server_that_was_started_so(crowd: Crowd) -> None:
    got = crowd.publish(live="true", word="LIVE")
    assert got.status_code == 403
    assert "only tries the sandbox" in got.text
    assert crowd.accounts[True].hits == {}


def test_live_needs_the_typed_word(tasks: Project) -> None:
    crowd = Crowd(tasks, live=True)
    owner = crowd.owner
    text = owner.get("/crowd").text
    assert "To spend it, type LIVE" in text
    for word in ("", "live"):
        got = crowd.publish(live="true", word=word)
        assert got.status_code == 422
        assert "need the word LIVE" in got.text
    assert crowd.publish(live="true", word="LIVE").status_code == 303
    assert len(crowd.accounts[True].hits) == TASKS
    assert "real workers" in owner.get(BATCH).text


def test_a_preview_that_is_out_of_date_does_not_do(crowd: Crowd) -> None:
    got = crowd.publish(tasks="5")
    assert got.status_code == 422
    assert "changed since the preview" in got.text


def test_without_https_nothing_is_posted(tasks: Project) -> None:
    crowd = Crowd(tasks, scheme="http")
    assert "by HTTPS only" in crowd.owner.get("/crowd").text
    got = crowd.publish()
    assert got.status_code == 422
    assert "is no place for the pages" in got.text
    assert crowd.accounts[False].hits == {}


def test_what_came_back_is_looked_at_paid_and_imported(crowd: Crowd, project: Project) -> None:
    crowd.publish()
    names = submitted(crowd, project)
    text = crowd.owner.get(f"{BATCH}/assignments").text
    assert "6 of 6 wait for you" in text
    assert "4 of 4" in text
    assert "W1" not in text
    got = crowd.owner.http.post(
        f"{BATCH}/approve",
        data={"assignment": names[:2], "why": "good", "csrf": crowd.owner.csrf},
    )
    assert got.headers["location"] == f"{BATCH}?done=approved&n=2&m=0"
    got = crowd.owner.form(f"{BATCH}/reject", assignment=names[2], why="All ticked")
    assert got.headers["location"] == f"{BATCH}?done=rejected&n=0&m=0"
    states = [one["AssignmentStatus"] for one in crowd.accounts[False].assignments.values()]
    assert states == ["Approved"] * 2 + ["Rejected"] + ["Submitted"] * 3
    got = crowd.owner.form(f"{BATCH}/import", why="first look")
    assert got.status_code == 303
    (entry,) = project.entries(action="answers.import")
    assert (entry.who, entry.detail["not_counted"]) == ("Eve", {"rejected": 12})
    assert "new answers were imported" in crowd.owner.get(got.headers["location"]).text
    got = crowd.owner.form(f"{BATCH}/close", why="enough")
    assert got.headers["location"] == f"{BATCH}?done=closed&n=6&m=0"


def test_what_mturk_says_is_said(crowd: Crowd, project: Project) -> None:
    client = crowd.accounts[False]
    client.broken = {"create_hit"}
    got = crowd.publish()
    assert got.status_code == 503
    assert "try again" in got.text
    client.broken = set()
    crowd.publish()
    client.broken = {"list_assignments_for_hit"}
    got = crowd.owner.get(f"{BATCH}/assignments")
    assert got.status_code == 200
    assert "Check the credentials that boto3 finds" in got.text
    assert crowd.owner.form(f"{BATCH}/import", why="x").status_code == 503
    assert "No assignment was chosen" in crowd.owner.form(f"{BATCH}/approve", why="x").text
    assert crowd.owner.get("/crowd/batches/009").status_code == 404


def test_without_boto3_its_install_line_is_told(crowd: Crowd) -> None:
    def connect(*, live: bool = False) -> FakeMTurk:
        raise MissingExtraError("It needs boto3.", 'Install it: pip install "freshset[mturk]"')

    crowd.app.state.services = replace(crowd.app.state.services, mturk=connect)
    got = crowd.publish()
    assert got.status_code == 422
    assert "freshset[mturk]" in got.text


@pytest.mark.parametrize("role", ["", "worker", "reviewer"])
def test_the_crowd_is_for_owners(client_as, role: str) -> None:
    client: Client = client_as(role)
    expected = 403 if role else 401
    for path in ("/crowd", BATCH, f"{BATCH}/assignments"):
        assert client.get(path).status_code == expected
    for path in ("/crowd/publish", *(f"{BATCH}/{verb}" for verb in ("approve", "import"))):
        assert client.form(path, why="x", batch="001", tasks="1").status_code == expected
