from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fakes.board import IDS, TRUTH, board_of
from fakes.hostile import BAD, hostile_project
from fakes.web import Client
from fastapi import FastAPI
from starlette.testclient import TestClient

from freshset.protocols.sealed.submission import check_submission
from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp import limits
from freshset.webapp.app import create_app
from freshset.webapp.limits import Limits
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project full of bad texts, on SQLite, shared by the tests of a module."""
    with hostile_project(tmp_path_factory.mktemp("hostile") / "project") as project:
        yield project


@pytest.fixture(scope="module")
def hostile_app(hostile: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Its app with a leaderboard, started; whatever breaks in a route comes out of the client."""
    board = board_of(tmp_path_factory.mktemp("board") / "board")
    one = check_submission(board.board.setup.public, TRUTH, IDS)
    board.board.submit(one, who=BAD[:74], model=BAD)
    app = create_app(hostile, Settings(max_upload=2_000_000), board)
    with TestClient(app):
        yield app


@pytest.fixture
def visitor(hostile_app: FastAPI) -> Callable[..., Client]:
    """Make clients: ``visitor("owner")``, or ``visitor("")`` who has not signed in.

    Each test begins with full buckets of requests.
    """
    services: Services = hostile_app.state.services
    hostile_app.state.services = replace(services, limits=Limits())

    def make(role: str, name: str = "") -> Client:
        project = services.project
        if not role:
            return Client(hostile_app, None)
        invitation = invite(project, role, who="ada")
        return Client(hostile_app, join(project, invitation.invitation_id, name or invitation.at))

    return make


@pytest.fixture
def unlimited(visitor: object, hostile_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test send as much as it likes."""
    for name in ("PERSON", "ADDRESS", "FAILURES"):
        monkeypatch.setattr(limits, name, limits.Rate(1e9, 1.0))
    services: Services = hostile_app.state.services
    hostile_app.state.services = replace(services, limits=Limits())
