from __future__ import annotations

import pytest
from fakes.web import Client
from starlette.testclient import TestClient

from freshset.core.errors import StoreError
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.settings import Settings


def test_an_app_that_works_says_so_to_anybody(client_as) -> None:
    stranger: Client = client_as("")
    assert stranger.get("/health/live").json() == {"status": "live"}
    assert stranger.get("/health/ready").json() == {"status": "ready"}


def test_a_database_that_cannot_be_written_is_told(
    client_as, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger: Client = client_as("")

    def refuse() -> None:
        raise StoreError("project.db: attempt to write a readonly database.")

    monkeypatch.setattr(project, "together", refuse)
    answer = stranger.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "the database cannot be written"}
    assert stranger.get("/health/live").status_code == 200


def test_metrics_are_for_owners(client_as) -> None:
    assert client_as("").get("/metrics").status_code == 401
    assert client_as("reviewer").get("/metrics").status_code == 401
    answer = client_as("owner").get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    # Without a token there is none that opens them.
    assert client_as("").get("/metrics", headers={"authorization": "Bearer "}).status_code == 401


@pytest.mark.parametrize(
    ("given", "status"),
    [("Bearer secret", 200), ("bearer secret", 200), ("Bearer wrong", 401), ("Basic secret", 401),
     ("Bearer \u00e9".encode(), 401), ("", 401)],
)  # fmt: skip
def test_or_for_a_program_with_the_token(project: Project, given: str, status: int) -> None:
    app = create_app(project, Settings(metrics_token="secret"))
    with TestClient(app, "http://127.0.0.1:8000") as client:
        assert client.get("/metrics", headers={"authorization": given}).status_code == status
