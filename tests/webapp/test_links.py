from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from freshset.replication.people import block, end_sessions, invite, join
from freshset.replication.project import Project
from freshset.webapp.links import (
    first_link,
    invitation_link,
    person_link,
    read_invitation,
    read_person,
)
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


@pytest.fixture
def services(project: Project) -> Services:
    return Services.of(project, Settings(base_url="https://label.example.org"))


def token(link: str, path: str) -> str:
    start = f"https://label.example.org{path}?token="
    assert link.startswith(start)
    return link.removeprefix(start)


def test_an_invitation_comes_back(services: Services) -> None:
    invitation = invite(services.project, "worker", who="ada")
    link = token(invitation_link(services, invitation), "/join")
    assert read_invitation(services, link) == invitation.invitation_id
    assert read_invitation(services, link[:-2]) is None
    assert read_person(services, link) is None


@pytest.mark.parametrize("end", [block, end_sessions])
def test_a_persons_link_ends_with_their_sessions(
    services: Services, end: Callable[..., object]
) -> None:
    person = join(services.project, invite(services.project, "worker", who="a").invitation_id, "Bo")
    link = token(person_link(services, person, days=1), "/enter")
    assert read_person(services, link) == person
    end(services.project, person.person_id, who="ada", why="lost")
    assert read_person(services, link) is None


def test_a_persons_link_expires(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    person = join(services.project, invite(services.project, "worker", who="a").invitation_id, "Bo")
    link = token(person_link(services, person, days=1), "/enter")
    later = time.time() + 24 * 3600 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert read_person(services, link) is None


def test_the_operator_becomes_owner_and_comes_back_as_the_same(services: Services) -> None:
    name, link = first_link(services, who="ada")
    assert name == "the owner"
    invitation_id = read_invitation(services, token(link, "/join"))
    assert invitation_id is not None
    ada = join(services.project, invitation_id, "Ada")
    assert ada.role == "owner"
    name, link = first_link(services, who="ada")
    assert name == "Ada"
    assert read_person(services, token(link, "/enter")) == ada
