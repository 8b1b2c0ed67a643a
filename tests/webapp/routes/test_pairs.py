from __future__ import annotations

from pathlib import Path

import pytest
from fakes.review import PAIRS, Ready, ready
from fakes.web import Client

from freshset.replication.project import Project


@pytest.fixture
def there(project: Project, tmp_path: Path) -> Ready:
    return ready(project, tmp_path)


def address(pair: tuple[str, str]) -> str:
    return f"/api/pairs/{pair[0]}/{pair[1]}"


def said(verdict: str, version: int = 0) -> dict[str, object]:
    return {"verdict": verdict, "version": version, "reason": "looked"}


def test_the_queue_and_a_verdict(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer", "Eve")
    queue = eve.get("/api/pairs").json()
    assert [(one["a"], one["b"]) for one in queue["pairs"]] == there.waiting
    assert queue["pairs"][0]["distances"] == {"pixels": 10.0, "phash": 0.0}
    done = eve.send("PUT", address(there.waiting[0]), said("duplicate")).json()
    assert (done["version"], done["waiting"]) == (1, PAIRS - 1)
    assert done["next"] != f"/pairs/{there.waiting[0][0]}/{there.waiting[0][1]}"
    known = eve.get(address(there.waiting[0])).json()
    assert (known["verdict"], known["who"], known["why"]) == ("duplicate", "Eve", "looked")
    assert known["distances"] == {"pixels": 10.0, "phash": 0.0}
    back = eve.send("PUT", address(there.waiting[0]), said("open", 1)).json()
    assert (back["version"], back["waiting"]) == (2, PAIRS)


def test_a_verdict_on_what_others_judged_is_refused(client_as, there: Ready) -> None:
    eve, bob = client_as("reviewer", "Eve"), client_as("reviewer", "Bob")
    place = address(there.waiting[0])
    assert eve.send("PUT", place, said("duplicate")).status_code == 200
    refused = bob.send("PUT", place, said("different"))
    assert refused.status_code == 409
    assert "by Eve, version 1" in refused.json()["title"]
    assert bob.send("PUT", place, said("different", 1)).status_code == 200
    # Whoever says the same again contradicts nobody.
    assert eve.send("PUT", place, said("different", 1)).json()["version"] == 2


def test_pages_show_what_helps_to_judge(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    page = eve.get("/pairs").text
    assert "Is it the same picture?" in page
    assert "folder:copies" in page
    listed = eve.get("/pairs/list").text
    assert all(f"/pairs/{a}/{b}" in listed for a, b in there.waiting)
    a, b = there.waiting[0]
    assert eve.get(f"/pairs/{b}/{a}").text == eve.get(f"/pairs/{a}/{b}").text.replace(
        f'"path" content="/pairs/{a}/{b}"', f'"path" content="/pairs/{b}/{a}"'
    )
    assert eve.get(f"/pairs/{a}/{'0' * 64}").status_code == 404
    assert eve.get(f"/pairs/{a}/x").status_code == 422


def test_the_last_pair(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    for pair in there.waiting:
        done = eve.send("PUT", address(pair), said("different")).json()
    assert (done["waiting"], done["next"]) == (0, "")
    assert f"All {PAIRS} pairs" in eve.get("/pairs").text
    assert "Nothing waits" in eve.get("/pairs/list").text


def test_reviewers_begin_with_different_pairs(client_as, there: Ready) -> None:
    firsts = {}
    people = [client_as("reviewer", name) for name in ("Ann", "Bo")]
    for one in people:
        page = one.get("/pairs").text
        firsts[one.person.name] = next(
            pair for pair in there.waiting if f'data-a="{pair[0]}"' in page
        )
    assert firsts["Ann"] != firsts["Bo"]


def test_nothing_here_is_for_workers(client_as, there: Ready) -> None:
    worker: Client = client_as("worker")
    a, b = there.waiting[0]
    for path in ("/pairs", "/pairs/list", f"/pairs/{a}/{b}", "/api/pairs", f"/api/pairs/{a}/{b}"):
        assert worker.get(path).status_code == 403
        assert client_as("").get(path).status_code == 401
    assert worker.send("PUT", address((a, b)), said("duplicate")).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        said("cut"),
        said("duplicate", -1),
        {"verdict": "duplicate", "version": 0},
        said("x") | {"reason": " "},
    ],
)
def test_bad_verdicts_are_refused(client_as, there: Ready, body: dict[str, object]) -> None:
    eve: Client = client_as("reviewer")
    assert eve.send("PUT", address(there.waiting[0]), body).status_code == 422


def test_a_project_without_thresholds_says_so(client_as) -> None:
    assert "no thresholds" in client_as("reviewer").get("/pairs").text
