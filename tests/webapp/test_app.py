from __future__ import annotations

import pytest
from fakes.web import Client
from fastapi import APIRouter
from starlette.testclient import TestClient

from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp import app as app_module
from freshset.webapp.app import create_app


def test_nothing_is_open_but_the_way_in(client_as) -> None:
    stranger: Client = client_as("")
    assert stranger.get("/").status_code == 200
    assert stranger.get("/label").status_code == 401
    assert stranger.get("/docs").status_code == 404
    assert stranger.get("/redoc").status_code == 404
    assert stranger.get("/static/base.css").status_code == 200


def test_what_breaks_is_answered_with_the_headers_of_all_answers(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = APIRouter()

    @router.get("/api/broken")
    def fail() -> None:
        raise RuntimeError("nobody's business")

    monkeypatch.setattr(app_module, "ROUTERS", (*app_module.ROUTERS, router))
    app = create_app(project)
    with TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        answer = client.get("/api/broken")
    assert answer.status_code == 500
    assert answer.json()["title"] == "Something broke on our side."
    assert "business" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_refusals_before_any_route_have_the_headers_too(client_as) -> None:
    stranger: Client = client_as("")
    wrong = stranger.get("/", headers={"host": "evil.example"})
    assert wrong.status_code == 421
    large = stranger.http.post("/join", content=b"x" * 1_000_001)
    assert large.status_code == 413
    for answer in (wrong, large):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_what_waits_is_written_before_the_app_ends(project: Project) -> None:
    app = create_app(project)
    with TestClient(app):
        worker = Client(
            app, join(project, invite(project, "worker", who="ada").invitation_id, "Bo")
        )
        assert worker.get("/health/ready").json() == {"status": "ready"}
    assert not app.state.services.writer._thread.is_alive()
