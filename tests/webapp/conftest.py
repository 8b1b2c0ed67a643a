from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.web import Client, shapes_project
from starlette.testclient import TestClient

from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp.app import create_app


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a project of two classes with pictures, which tests copy."""
    folder = tmp_path_factory.mktemp("shapes") / "project"
    shapes_project(folder).close()
    return folder


@pytest.fixture
def project(shapes: Path, tmp_path: Path) -> Iterator[Project]:
    """A project of two classes with pictures, on SQLite, without tasks."""
    # To collect the pictures again takes twenty times as long as to copy them.
    shutil.copytree(shapes, tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        yield project


@pytest.fixture
def client_as(project: Project) -> Iterator[Callable[..., Client]]:
    """Make clients of people who have joined: ``client_as("worker")``, or ``client_as("")``."""
    app = create_app(project)
    with TestClient(app):

        def make(role: str, name: str = "") -> Client:
            if not role:
                return Client(app, None)
            invitation = invite(project, role, who="ada")
            person = join(project, invitation.invitation_id, name or f"{role} {invitation.at}")
            return Client(app, person)

        yield make
