from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from fakes.web import Client

from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.qualification import Trial, next_trial
from freshset.replication.project import Project
from freshset.replication.tables import images, people, task_items

TRIAL = "/label/trial"


def _ask(project: Project, page: str) -> None:
    project.change_spec(project.spec_text + f"page: {{{page}}}\n", who="ada", why="ask")


def _forms(text: str) -> dict[str, str]:
    """Hidden fields of a page."""
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))


def _tokens(text: str) -> list[str]:
    return re.findall(r"/label/trial/images/([0-9a-f]{32})", text)


def _trial(project: Project, worker: Client) -> Trial:
    assert worker.person is not None
    with project.read() as connection:
        who = hash_worker(worker.person.person_id, project.salt)
        trial = next_trial(connection, project.spec, who)
    assert trial is not None
    return trial


def test_the_page_leads_to_what_comes_first(client_as, project: Project) -> None:
    worker: Client = client_as("worker")
    assert "How to label" in worker.get("/label").text
    for path in ("/label/consent", TRIAL):
        assert worker.get(path).headers["location"] == "/label"
    _ask(project, "consent: 'Yes.', qualification: 4, instructions: 'Be <b>bold</b>.'")
    assert worker.get("/label").headers["location"] == "/label/consent"
    assert worker.post("/api/labelling/next").status_code == 403
    page = worker.get("/label/consent").text
    assert worker.http.post("/label/consent", data={"digest": "x"}).status_code == 403  # no token
    assert worker.form("/label/consent", digest="x").headers["location"] == "/label/consent"
    worker.form("/label/consent", digest=_forms(page)["digest"])
    assert worker.get("/label").headers["location"] == TRIAL
    text = worker.get(TRIAL).text
    assert "Be &lt;b&gt;bold&lt;/b&gt;." in text
    assert worker.post("/api/labelling/next").status_code == 403
    assert client_as("").get("/label").status_code == 401


def _submit(worker: Client, number: int, chosen: list[str]) -> tuple[int, str]:
    fields = {"number": str(number), "chosen": chosen, "csrf": worker.csrf}
    answer = worker.http.post(TRIAL, data=fields)
    return answer.status_code, answer.text


def test_a_trial_is_scored_on_the_server(client_as, project: Project) -> None:
    _ask(project, "qualification: 4")
    worker, other = client_as("worker"), client_as("worker")
    tokens = _tokens(worker.get(TRIAL).text)
    assert len(tokens) == 4
    assert not set(tokens) & set(_tokens(other.get(TRIAL).text))
    trial = _trial(project, worker)
    by_token = dict(zip(tokens, trial.items, strict=True))
    for token in tokens:
        assert worker.get(f"{TRIAL}/images/{token}").headers["content-type"] == "image/png"
        assert other.get(f"{TRIAL}/images/{token}").status_code == 404
    assert _submit(worker, 1, list(by_token.values()))[0] == 422  # ids are no tokens
    assert _submit(worker, 1, []) == (303, "")
    assert "2 of 4 images were right; 4 are needed" in worker.get(TRIAL).text
    assert _submit(worker, 1, [t for t, i in by_token.items() if i in trial.positives])[0] == 409
    fresh = _tokens(worker.get(TRIAL).text)
    assert not set(fresh) & set(tokens)
    assert worker.get(f"{TRIAL}/images/{tokens[0]}").status_code == 404
    trial = _trial(project, worker)
    right = [t for t, i in zip(fresh, trial.items, strict=True) if i in trial.positives]
    assert _submit(worker, 2, right)[0] == 303
    assert "You passed the trial: 4 of 4 right." in worker.get("/label").text
    assert worker.post("/api/labelling/next").status_code == 200
    assert other.post("/api/labelling/next").status_code == 403


def test_the_trial_s_pages_tell_nothing(client_as, project: Project) -> None:
    _ask(project, "qualification: 8")
    worker: Client = client_as("worker")
    trial = _trial(project, worker)
    text = worker.get(TRIAL).text
    for secret in (*trial.items, "positive", "negative", "candidate", "train", str(project.folder)):
        assert secret not in text
    headers = {
        tuple(sorted(worker.get(f"{TRIAL}/images/{token}").headers)) for token in _tokens(text)
    }
    assert len(headers) == 1


def test_nothing_that_a_worker_gets_tells_a_control_from_a_candidate(
    client_as, project: Project
) -> None:
    make_tasks(project, who="ada", why="first")
    worker: Client = client_as("worker")
    page = worker.get("/label").text
    answer = worker.post("/api/labelling/next")
    task = answer.json()["task"]
    examples = worker.get(f"/api/labelling/tasks/{task['task_id']}/examples").text
    with project.read() as connection:
        query = sa.select(task_items.c.token, task_items.c.role, images.c.item_id, images.c.path)
        query = query.join(images, images.c.item_id == task_items.c.item_id)
        rows = connection.execute(query.where(task_items.c.task_id == task["task_id"])).all()
        names = list(connection.execute(sa.select(people.c.person_id)).scalars())
    assert {row.role for row in rows} == {"candidate", "positive", "negative"}
    assert {row.token for row in rows} == {one["token"] for one in task["images"]}
    secrets = {"positive", "negative", "candidate", "control", "images/", ".png", *names}
    secrets |= {row.item_id for row in rows} | {row.path for row in rows}
    told = answer.text.replace("/labelling/images/", "/")
    for secret in secrets | {str(project.folder)}:
        assert secret not in told + examples
        assert secret not in page or secret == "images/"
    kinds: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for row in rows:
        headers = worker.get(f"/labelling/images/{row.token}").headers
        assert not {"last-modified", "etag", "accept-ranges", "content-location"} & set(headers)
        same = {name: value for name, value in headers.items() if name != "content-length"}
        assert not any(secret in str(same) for secret in (row.item_id, row.path, row.role))
        kinds.setdefault(row.role, set()).add(tuple(sorted(same.items())))
    assert len(set().union(*kinds.values())) == 1


def test_links_and_texts_of_a_class_cannot_run_scripts(client_as, project: Project) -> None:
    text = project.spec_text.replace("A filled round shape.", "<script>alert(1)</script>")
    project.change_spec(text, who="ada", why="test")
    _ask(project, "qualification: 4, consent: '<img src=x onerror=alert(1)>'")
    worker: Client = client_as("worker")
    page = worker.get("/label/consent").text
    assert "<img src=x" not in page
    worker.form("/label/consent", digest=_forms(page)["digest"])
    assert "<script>alert" not in worker.get(TRIAL).text


@pytest.mark.parametrize("role", ["worker", "reviewer", "owner"])
def test_all_roles_may_label(client_as, project: Project, role: str) -> None:
    make_tasks(project, who="ada", why="first")
    client: Client = client_as(role)
    assert client.get("/label").status_code == 200
    assert client.post("/api/labelling/next").json()["task"] is not None
