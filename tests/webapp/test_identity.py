from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fakes.routes import all_routes
from fakes.web import Client
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from freshset.replication import people
from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp import identity
from freshset.webapp.app import create_app
from freshset.webapp.errors import Forbidden, Unknown
from freshset.webapp.identity import COOKIE, SELDOM, Require, Session, cookie_name, open_session
from freshset.webapp.limits import FAILURES
from freshset.webapp.settings import Settings


@contextmanager
def site(project: Project, peer: str = "127.0.0.1", **settings: Any) -> Iterator[TestClient]:
    """A client of an app, as the app sees a machine of that address."""
    app = create_app(project, Settings(**settings))
    with TestClient(app, app.state.services.settings.base_url, client=(peer, 1)) as client:
        yield client


def test_a_session_is_somebodys_with_a_token_of_its_own(client_as) -> None:
    one, other = client_as("worker"), client_as("worker")
    assert one.csrf != other.csrf
    assert len(one.csrf) == 32
    assert one.csrf in one.get("/me").text
    assert one.csrf not in other.get("/me").text


def test_cookies_of_https_are_for_https_and_this_site_only(project: Project) -> None:
    app = create_app(project, Settings(base_url="https://label.example.org"))
    person = join(project, invite(project, "worker", who="ada").invitation_id, "Bo")
    response = Response()
    open_session(response, app.state.services, person)
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"__Host-{COOKIE}=")
    for word in ("; HttpOnly", "; Path=/", "; SameSite=lax", "; Secure"):
        assert word in cookie
    assert "Domain" not in cookie
    assert cookie_name(Settings()) == COOKIE
    client = Client(app, person)
    assert client.get("/me").status_code == 200
    assert "strict-transport-security" in client.get("/me").headers


@pytest.mark.parametrize("role", people.ROLES)
def test_a_dependency_asks_for_a_role(role: people.Role) -> None:
    person = people.Person(
        "1", "Bo", "reviewer", active=True, epoch=1, joined_at="", consented_at="", qualified_at=""
    )
    request = Request({"type": "http", "state": {"session": None}})
    ask = Require(role)
    with pytest.raises(Unknown):
        asyncio.run(ask(request))
    request.state.session = Session(person, "x")
    if role == "owner":
        with pytest.raises(Forbidden, match="for people who are owner"):
            asyncio.run(ask(request))
    else:
        assert asyncio.run(ask(request)) == person


def test_busy_requests_read_somebody_once(
    client_as: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = client_as("worker")
    reads: list[str] = []
    read = identity._read
    monkeypatch.setattr(
        identity, "_read", lambda services, who: (reads.append(who), read(services, who))[1]
    )
    for _ in range(5):
        worker.post("/api/labelling/next")
        worker.get("/labelling/images/nothing")
    assert len(reads) == 1
    worker.get("/me")
    assert len(reads) == 2
    worker.post("/label/consent")
    worker.post("/api/labelling/next")
    assert len(reads) == 4


def test_a_header_names_nobody_unless_the_operator_says_so(project: Project) -> None:
    with site(project) as client:
        assert client.get("/me", headers={"X-Remote-User": "ada"}).status_code == 401
    with site(project, sso_header="X-Remote-User") as client:
        assert client.get("/me", headers={"X-Remote-User": "ada"}).status_code == 401
    with site(project, trusted_proxies=("127.0.0.1",)) as client:
        assert client.get("/me", headers={"X-Remote-User": "ada"}).status_code == 401


SSO = {"sso_header": "X-Remote-User", "trusted_proxies": ("10.0.0.1",)}


def test_only_a_trusted_proxy_signs_people_in(project: Project) -> None:
    named = {"X-Remote-User": "Jos\u00e9".encode()}
    for peer in ("127.0.0.1", "10.0.0.2"):
        with site(project, peer, **SSO) as client:
            spoofed = {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1"}
            assert client.get("/me", headers=named | spoofed).status_code == 401
    with site(project, "10.0.0.1", **SSO) as client:
        page = client.get("/me", headers=named)
        assert "You are in, Jos\u00e9" in page.text
        assert "How you come back" not in page.text
        assert "set-cookie" not in page.headers
        assert client.get("/me").status_code == 401
        assert client.get("/people", headers=named).status_code == 403
    assert [one.who for one in project.entries(action="people.join")] == ["Jos\u00e9"]


def test_a_proxy_names_one_person(project: Project) -> None:
    with site(project, "10.0.0.1", **SSO) as client:
        twice = [("X-Remote-User", "bo"), ("X-Remote-User", "ada")]
        assert client.get("/me", headers=twice).status_code == 403
        assert client.get("/me", headers={"X-Remote-User": "x" * 100}).status_code == 403


def test_whom_a_proxy_names_still_proves_where_changes_come_from(project: Project) -> None:
    with site(project, "10.0.0.1", **SSO, sso_role="owner") as client:
        named = {"X-Remote-User": "ada"}
        form = {"role": "worker", "uses": "1", "days": "1"}
        assert client.post("/people/invitations", data=form, headers=named).status_code == 403
        page = client.get("/people", headers=named).text
        csrf = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        made = client.post("/people/invitations", data=form | {"csrf": csrf}, headers=named)
        assert made.status_code == 201
        other = client.post(
            "/people/invitations", data=form | {"csrf": csrf}, headers={"X-Remote-User": "eve"}
        )
        assert other.status_code == 403


def test_a_blocked_person_is_out_whatever_a_proxy_says(project: Project) -> None:
    with site(project, "10.0.0.1", **SSO) as client:
        named = {"X-Remote-User": "bo"}
        assert client.get("/me", headers=named).status_code == 200
        person = people.admit(project, "bo", "worker")
        people.block(project, person.person_id, who="ada", why="enough")
        assert client.get("/me", headers=named).status_code == 401


def test_limits_are_of_a_person_or_of_the_address_behind_a_trusted_proxy(project: Project) -> None:
    with site(project, trusted_proxies=("127.0.0.1",)) as client:

        def statuses(address: str, count: int) -> set[int]:
            head = {"X-Forwarded-For": address}
            return {client.get("/health/live", headers=head).status_code for _ in range(count)}

        assert statuses("9.9.9.9", 600) == {200, 429}
        assert statuses("9.9.9.8", 1) == {200}
        app = client.app
        assert isinstance(app, FastAPI)
        person = join(project, invite(project, "worker", who="ada").invitation_id, "Bo")
        worker = Client(app, person)
        head = {"X-Forwarded-For": "9.9.9.9"}
        assert worker.get("/health/live", headers=head).status_code == 200


def test_the_trial_is_not_for_guessing(client_as) -> None:
    worker: Client = client_as("worker")
    assert {str(one) for one in all_routes()} >= {f"POST {path}" for path in SELDOM}
    statuses = [worker.form("/label/trial").status_code for _ in range(int(FAILURES.burst) + 1)]
    assert 429 not in statuses[:-1]
    assert statuses[-1] == 429
    assert client_as("worker").form("/label/trial").status_code != 429
