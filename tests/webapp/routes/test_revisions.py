from __future__ import annotations

from pathlib import Path

import pytest
from fakes.review import Ready, ready
from fakes.web import Client

from freshset.replication.project import Project
from freshset.replication.revisions.chain import load


@pytest.fixture
def there(project: Project, tmp_path: Path) -> Ready:
    return ready(project, tmp_path)


def items_of(project: Project, name: str, key: str) -> set[str]:
    with project.read() as connection:
        return {one.item_id for one in load(connection, name).items if one.class_key == key}


def judge(client: Client, key: str, verdict: str, version: int = 0, name: str = "threshold-0"):
    body = {"verdict": verdict, "version": version, "reason": "looked"}
    return client.send("PUT", f"/api/revisions/{name}/classes/{key}", body)


def test_a_class_is_judged_once_at_a_time(client_as, there: Ready) -> None:
    eve, bob = client_as("reviewer", "Eve"), client_as("reviewer", "Bob")
    assert judge(eve, "disc", "good").json()["version"] == 1
    refused = judge(bob, "disc", "problematic")
    assert refused.status_code == 409
    assert "Eve found 'disc' good" in refused.json()["title"]
    assert judge(bob, "disc", "problematic", 1).json()["who"] == "Bob"
    (line,) = eve.get("/api/revisions").json()
    assert (line["good"], line["problematic"], line["images"]) == (0, 1, 8)
    page = eve.get("/revisions/threshold-0").text
    assert "problematic (disc)" in page
    assert "Bob found it" in eve.get("/revisions/threshold-0/classes/disc").text


def test_what_would_come_comes(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer", "Eve")
    judge(eve, "square", "good")
    before = items_of(there.project, "threshold-0", "disc")
    gone = sorted(before)[0]
    entries = len(list(there.project.entries()))
    shown = eve.post("/api/revisions/threshold-0/preview", {"items": [gone]}).json()["classes"]
    assert len(list(there.project.entries())) == entries
    assert [one["class_key"] for one in shown] == ["disc"]
    (come,) = shown[0]["come"]
    body = {"items": [gone], "reason": "not a disc"}
    done = eve.post("/api/revisions/threshold-0/replace", body).json()
    assert done == {"name": "threshold-1"}
    assert items_of(there.project, "threshold-1", "disc") == before - {gone} | {come["item_id"]}
    reviews = eve.get("/api/revisions/threshold-1").json()["reviews"]
    assert [(one["class_key"], one["verdict"]) for one in reviews] == [
        ("disc", "open"), ("square", "good"),
    ]  # fmt: skip
    assert [one.why for one in there.project.entries()][-2:] == ["not a disc"] * 2


def test_whoever_replaces_second_is_sent_to_the_newer_one(client_as, there: Ready) -> None:
    eve, bob = client_as("reviewer", "Eve"), client_as("reviewer", "Bob")
    disc = sorted(items_of(there.project, "threshold-0", "disc"))[0]
    square = sorted(items_of(there.project, "threshold-0", "square"))[0]
    eve.post("/api/revisions/threshold-0/replace", {"items": [disc], "reason": "x"})
    refused = bob.post("/api/revisions/threshold-0/replace", {"items": [square], "reason": "y"})
    assert refused.status_code == 409
    assert "'threshold-1'" in refused.json()["detail"]
    assert bob.get("/api/revisions/threshold-0").json()["children"] == ["threshold-1"]
    done = bob.post("/api/revisions/threshold-1/replace", {"items": [square], "reason": "y"})
    assert done.json() == {"name": "threshold-2"}
    assert disc not in items_of(there.project, "threshold-2", "disc")


def test_owners_draw_freeze_and_unfreeze(client_as, there: Ready) -> None:
    owner, eve = client_as("owner", "Ola"), client_as("reviewer", "Eve")
    why = {"reason": "done"}
    for path in (
        "/api/revisions",
        "/api/revisions/threshold-0/freeze",
        "/api/revisions/threshold-0/unfreeze",
    ):
        assert eve.post(path, why).status_code == 403
    refused = owner.post("/api/revisions/threshold-0/freeze", why)
    assert refused.status_code == 422
    assert "not ready" in refused.json()["title"]
    for key in ("disc", "square"):
        judge(eve, key, "good")
    assert owner.get("/api/revisions/threshold-0").json()["problems"] == []
    assert owner.post("/api/revisions/threshold-0/freeze", why).status_code == 200
    assert judge(eve, "disc", "problematic", 1).status_code == 422
    assert "its reviews are closed" in eve.get("/revisions/threshold-0/classes/disc").text
    assert owner.post("/api/revisions/threshold-0/unfreeze", why).status_code == 200
    (line,) = owner.get("/api/revisions").json()
    assert (line["state"], line["touched"]) == ("draft", True)
    new = owner.post("/api/revisions", {"parent": "", "name": "mine", "reason": "anew"})
    assert new.status_code == 422  # the very same draw
    gone = sorted(items_of(there.project, "threshold-0", "disc"))
    owner.post("/api/items/blacklist", {"items": gone[:1], "reason": "x"})
    new = owner.post("/api/revisions", {"parent": "threshold-0", "name": "mine", "reason": "next"})
    assert new.json() == {"name": "mine"}


def test_pages(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    assert "threshold-0" in eve.get("/revisions").text
    page = eve.get("/revisions/threshold-0/classes/disc").text
    assert all(item in page for item in items_of(there.project, "threshold-0", "disc"))
    assert page.count('alt="Original image') == 8
    assert "For owners" not in eve.get("/revisions/threshold-0").text
    assert "For owners" in client_as("owner").get("/revisions/threshold-0").text
    for path in ("/revisions/nothing", "/revisions/threshold-0/classes/cow", "/revisions/%2e%2e"):
        assert eve.get(path).status_code in {404, 422}
    assert eve.post("/api/revisions/nothing/preview", {"items": ["0" * 64]}).status_code == 404
    unknown = eve.post("/api/revisions/threshold-0/preview", {"items": ["0" * 64]})
    assert unknown.status_code == 422


def test_no_revision_yet(client_as) -> None:
    assert "Nothing was drawn yet" in client_as("reviewer").get("/revisions").text
    assert "Draw the first one" in client_as("owner").get("/revisions").text


def test_nothing_here_is_for_workers(client_as, there: Ready) -> None:
    worker: Client = client_as("worker")
    for path in (
        "/revisions", "/revisions/threshold-0", "/revisions/threshold-0/classes/disc",
        "/api/revisions", "/api/revisions/threshold-0",
    ):  # fmt: skip
        assert worker.get(path).status_code == 403
    assert judge(worker, "disc", "good").status_code == 403
    for path in ("preview", "replace"):
        body = {"items": ["0" * 64], "reason": "x"}
        assert worker.post(f"/api/revisions/threshold-0/{path}", body).status_code == 403
