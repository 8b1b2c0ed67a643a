from __future__ import annotations

from pathlib import Path

import pytest
from fakes.review import Ready, ready
from fakes.web import Client

from freshset.replication.project import Project


@pytest.fixture
def there(project: Project, tmp_path: Path) -> Ready:
    return ready(project, tmp_path)


def test_components_and_their_graph(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    (one,) = eve.get("/api/components").json()
    assert one["items"] == sorted(there.chain)
    assert one["kept"] in there.chain
    assert "1 component of duplicates" in eve.get("/components").text
    page = eve.get(f"/components/{there.chain[0]}").text
    assert page.count('class="edge verdict"') == 2
    assert "linked to no other" in eve.get(f"/components/{there.waiting[0][0]}").text


def test_an_edge_is_cut(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    first, second, third = there.chain
    edge = {"a": second, "b": third, "version": 0, "reason": "other picture"}
    assert eve.post("/api/components/cut", edge).status_code == 409
    found = eve.post("/api/components/cut", edge | {"version": 1}).json()
    assert found["alone"] == [third]
    assert [one["items"] for one in found["parts"]] == [sorted([first, second])]
    assert eve.post("/api/components/cut", edge | {"version": 2}).status_code == 422


def test_another_image_is_kept(client_as, there: Ready) -> None:
    eve: Client = client_as("reviewer")
    (one,) = eve.get("/api/components").json()
    other, third = sorted(set(there.chain) - {one["kept"]})
    wish = {"item": other, "seen": None, "reason": "sharper"}
    (found,) = eve.post("/api/components/keep", wish).json()["parts"]
    assert (found["kept"], found["reason"]) == (other, "asked")
    refused = client_as("reviewer").post("/api/components/keep", wish | {"item": third})
    assert refused.status_code == 409
    again = eve.post("/api/components/keep", wish | {"item": third, "seen": other})
    assert again.json()["parts"][0]["kept"] == third


def test_nothing_here_is_for_workers(client_as, there: Ready) -> None:
    worker: Client = client_as("worker")
    for path in ("/components", f"/components/{there.chain[0]}", "/api/components"):
        assert worker.get(path).status_code == 403
    assert worker.post("/api/components/cut", {}).status_code == 403
    assert worker.post("/api/components/keep", {}).status_code == 403
