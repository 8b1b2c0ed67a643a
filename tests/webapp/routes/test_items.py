from __future__ import annotations

import io
from pathlib import Path

import pytest
from fakes.review import Ready, ready
from fakes.web import Client
from PIL import Image

from freshset.replication.collecting.excluding import take_down
from freshset.replication.project import Project


@pytest.fixture
def there(project: Project, tmp_path: Path) -> Ready:
    return ready(project, tmp_path)


def test_pictures_by_id(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    item = there.chain[0]
    for kind in ("picture", "thumbnail"):
        answer = eve.get(f"/items/{item}/{kind}")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "last-modified" not in answer.headers
        assert Image.open(io.BytesIO(answer.content)).size == (96, 96)
        again = eve.get(f"/items/{item}/{kind}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert eve.get(f"/items/{'0' * 64}/picture").status_code == 404


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fproject.db", "../project.db", "A" * 64, "0" * 63, "%00"]
)
def test_only_ids_lead_to_files(client_as, there: Ready, name: str) -> None:
    eve: Client = client_as("reviewer")
    assert eve.get(f"/items/{name}/picture").status_code in {404, 422}


def test_what_was_taken_down_says_so(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    item = there.chain[0]
    etag = eve.get(f"/items/{item}/picture").headers["etag"]
    assert eve.get(f"/items/{item}/thumbnail").status_code == 200
    take_down(there.project, [item], who="ada", why="asked by the author")
    for kind in ("picture", "thumbnail"):
        answer = eve.get(f"/items/{item}/{kind}", headers={"If-None-Match": etag})
        assert answer.status_code == 410
        assert "taken down" in answer.text
    page = eve.get(f"/items/{item}").text
    assert "asked by the author" in page
    assert "<img src" not in page.split('<div class="about">')[1].split("</figure>")[0]
    assert not list((there.project.folder / "copies").rglob(f"{item}*"))


def test_all_about_an_image(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer", "Eve")
    item, other = there.waiting[0]
    page = eve.get(f"/items/{item}").text
    assert f"/pairs/{item}/{other}" in page
    assert "95 % interval" in page
    found = eve.get(f"/api/items/{item}").json()
    assert "path" not in found["facts"]
    assert [one["class_key"] for one in found["asked"]] == ["disc"]
    assert {one["metric"] for one in found["neighbours"]} == {"pixels", "phash"}
    assert eve.get(f"/api/items/{'0' * 64}").status_code == 404


def test_on_and_off_the_blacklist(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer", "Eve")
    item = there.chain[0]
    some = {"items": [item], "reason": "<script>alert(1)</script>"}
    assert eve.post("/api/items/blacklist", some).json() == {"changed": [item], "unchanged": []}
    assert eve.post("/api/items/blacklist", some).json() == {"changed": [], "unchanged": [item]}
    page = eve.get(f"/items/{item}").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert eve.post("/api/items/release", some).json()["changed"] == [item]
    history = eve.get(f"/api/items/{item}").json()["history"]
    assert [one["action"] for one in history][-2:] == ["image.blacklist", "image.release"]
    assert {one["who"] for one in history[-2:]} == {"Eve"}
    unknown = some | {"items": ["0" * 64]}
    assert eve.post("/api/items/blacklist", unknown).status_code == 404
    assert eve.post("/api/items/blacklist", some | {"items": []}).status_code == 422


def test_nothing_here_is_for_workers(client_as, there: Ready) -> None:
    worker: Client = client_as("worker")
    item = there.chain[0]
    for path in ("", "/picture", "/thumbnail"):
        assert worker.get(f"/items/{item}{path}").status_code == 403
    assert worker.get(f"/api/items/{item}").status_code == 403
    assert worker.post("/api/items/blacklist", {"items": [item], "reason": "x"}).status_code == 403
    assert worker.post("/api/items/release", {"items": [item], "reason": "x"}).status_code == 403
