from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from fakes.review import Ready, ready
from fakes.web import SPEC, Client

from freshset.replication.collecting.excluding import blacklist
from freshset.replication.project import Project


@pytest.fixture
def there(project: Project, tmp_path: Path) -> Ready:
    return ready(project, tmp_path)


def test_classes_with_what_lacks(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    lines = {one["key"]: one for one in eve.get("/api/pool").json()}
    assert lines["disc"]["candidates"] == 32
    assert (lines["disc"]["target"], lines["disc"]["missing"]) == (4, 0)
    assert "/pool/square" in eve.get("/pool").text


def test_candidates_by_frequency(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    found = eve.get("/api/pool/square").json()
    assert found["total"] == 20
    values = [one["frequency"] for one in found["images"]]
    assert values == sorted(values, reverse=True)
    some = eve.get("/api/pool/square", params={"low": 0.4, "high": 0.6, "order": "lowest"}).json()
    assert {one["frequency"] for one in some["images"]} == {0.4, 0.6}
    assert some["total"] == sum(0.4 <= value <= 0.6 for value in values)
    assert (
        eve.get("/api/pool/square", params={"start": 15}).json()["images"] == found["images"][15:]
    )
    assert found["bins"] == [
        {"name": "all", "target": 4, "stock": found["states"]["eligible"],
         "others": 20 - found["states"]["eligible"]}
    ]  # fmt: skip


def test_pages_and_filters(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    item = eve.get("/api/pool/square").json()["images"][0]["item_id"]
    assert item in eve.get("/pool/square").text
    assert item not in eve.get("/pool/square", params={"state": "blacklisted"}).text
    blacklist(there.project, [item], who=eve.person.name, why="blurred")
    assert item in eve.get("/pool/square", params={"state": "blacklisted"}).text


@pytest.mark.parametrize(
    "query", ["low=2", "low=0.6&high=0.5", "low=nan", "state=x", "order=x", "start=-1"]
)
def test_what_makes_no_sense_is_refused(client_as, there: Ready, query: str) -> None:
    eve: Client = client_as("reviewer")
    for path in ("/api/pool/disc", "/pool/disc"):
        assert eve.get(f"{path}?{query}").status_code == 422


def test_any_class_has_its_page(client_as, there: Ready) -> None:
    key = "<b>'\"50% ?#& ü"
    text = SPEC + f"  - {json.dumps({'key': key})}\n"
    there.project.change_spec(text, who="ada", why="another class")
    eve: Client = client_as("reviewer")
    listed = eve.get("/pool").text
    assert "<b>" not in listed
    (link,) = re.findall(r'href="(/pool/%3Cb[^"]*)"', listed)
    page = eve.get(html.unescape(link))
    assert page.status_code == 200
    assert "<b>" not in page.text
    assert html.escape(key, quote=False).split("'")[0] in page.text


def test_there_is_a_pool_before_anybody_answered(client_as) -> None:
    eve: Client = client_as("reviewer")
    assert eve.get("/api/pool/disc").json()["states"] == {
        "all": 20, "unlabelled": 20, "few-answers": 20,
    }  # fmt: skip
    assert "no answers" in eve.get("/pool/disc").text
    assert eve.get("/pool/cow").status_code == 404


def test_nothing_here_is_for_workers(client_as, there: Ready) -> None:
    worker: Client = client_as("worker")
    for path in ("/pool", "/pool/disc", "/api/pool", "/api/pool/disc"):
        assert worker.get(path).status_code == 403
