from __future__ import annotations

import pytest
from fakes.mturk import FakeMTurk
from fakes.web import Client

from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.mturk import link_question, preview, publish
from freshset.replication.labelling.task_files import read_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
SANDBOX = "https://workersandbox.mturk.com"
ACCEPTED = {"assignmentId": "A1", "turkSubmitTo": SANDBOX, "hitId": "H", "workerId": "W"}


@pytest.fixture
def posted(project: Project) -> str:
    """A task that was posted."""
    make_tasks(project, **ME)
    question = link_question("https://host/mturk/tasks/{task}")
    plan = preview(project)
    publish(project, FakeMTurk(), question=question, plan=plan, signed=("ada", "test"))
    return read_tasks(project)[0].task_id


def test_a_task_is_sent_to_where_it_came_from(client_as, posted: str) -> None:
    stranger: Client = client_as("")
    for site in (SANDBOX, "https://www.mturk.com", "https://www.mturk.com/"):
        got = stranger.get(f"/mturk/tasks/{posted}", params=ACCEPTED | {"turkSubmitTo": site})
        assert got.status_code == 200
        assert f'action="{site.rstrip("/")}/mturk/externalSubmit"' in got.text
        assert 'name="assignmentId" value="A1"' in got.text
        assert 'data-preview="false"' in got.text


@pytest.mark.parametrize(
    "site",
    [
        "", "https://evil.example", "http://www.mturk.com", "https://www.mturk.com.evil.example",
        "https://www.mturk.com@evil.example", "javascript:alert(1)", "//www.mturk.com",
        "https://www.mturk.com/x",
    ],
)  # fmt: skip
def test_answers_go_nowhere_else(client_as, posted: str, site: str) -> None:
    got = client_as("").get(f"/mturk/tasks/{posted}", params=ACCEPTED | {"turkSubmitTo": site})
    assert got.status_code == 422
    assert "was not opened by Mechanical Turk" in got.text
    assert "externalSubmit" not in got.text


@pytest.mark.parametrize("more", [{}, {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}])
def test_a_preview_can_be_sent_nowhere(client_as, posted: str, more: dict[str, str]) -> None:
    got = client_as("").get(
        f"/mturk/tasks/{posted}", params=more | {"turkSubmitTo": "https://evil.example"}
    )
    assert got.status_code == 200
    assert 'action=""' in got.text
    assert 'data-preview="true"' in got.text
    assert "evil.example" not in got.text


def test_what_mturk_says_is_text(client_as, posted: str) -> None:
    wrong = ACCEPTED | {"assignmentId": '"><script>alert(1)</script>'}
    assert "<script>alert" not in client_as("").get(f"/mturk/tasks/{posted}", params=wrong).text


def test_it_may_be_shown_within_mturk_alone(client_as, posted: str) -> None:
    headers = client_as("").get(f"/mturk/tasks/{posted}").headers
    policy = headers["content-security-policy"]
    sites = f"https://www.mturk.com {SANDBOX}"
    assert f"frame-ancestors {sites}" in policy
    assert f"form-action 'self' {sites}" in policy
    assert "x-frame-options" not in headers


def test_images_of_posted_tasks_alone(client_as, posted: str, project: Project) -> None:
    stranger: Client = client_as("")
    token = read_tasks(project)[0].images[0][0]
    got = stranger.get(f"/mturk/images/{token}")
    assert got.status_code == 200
    assert got.headers["content-type"] == "image/png"
    assert not {"etag", "last-modified"} & set(got.headers)
    make_tasks(project, again=True, **ME)
    ours = next(task for task in read_tasks(project) if not task.external_id)
    assert stranger.get(f"/mturk/images/{ours.images[0][0]}").status_code == 404
    assert stranger.get(f"/mturk/tasks/{ours.task_id}").status_code == 404
    assert stranger.get("/mturk/images/..%2f..%2fworker-salt").status_code == 404


def test_nothing_tells_which_images_are_controls(client_as, posted: str) -> None:
    text = client_as("").get(f"/mturk/tasks/{posted}", params=ACCEPTED).text
    for word in ("positive", "negative", "candidate", "control"):
        assert word not in text
