"""Links and sessions that are forged, expired, ended or meant for something else."""

from __future__ import annotations

import time

import pytest
from fakes.web import Client
from fastapi import FastAPI
from itsdangerous import timed

from freshset.replication.people import end_sessions, invite, revoke
from freshset.webapp.identity import COOKIE
from freshset.webapp.limits import FAILURES
from freshset.webapp.links import invitation_link, person_link
from freshset.webapp.services import Services
from freshset.webapp.signing import Signer

FORGED = ("", "x", "a.b.c", "." * 3_000, "eyJpIjoxfQ.aaaaaa.bbbb", "\x00", "é", "' OR 1=1 --")


@pytest.fixture
def services(hostile_app: FastAPI) -> Services:
    found: Services = hostile_app.state.services
    return found


def token_of(link: str) -> str:
    return link.partition("?token=")[2]


def ways(services: Services, client: Client) -> dict[str, str]:
    """Good tokens of every kind, of an owner."""
    invitation = invite(services.project, "owner", who="ada")
    assert client.person is not None
    nonce = {"p": client.person.person_id, "e": client.person.epoch, "n": "x"}
    return {
        "invitation": token_of(invitation_link(services, invitation)),
        "link": token_of(person_link(services, client.person, days=1)),
        "session": services.signer.sign("session", nonce),
        "csrf": client.csrf,
    }


def test_each_token_is_good_for_its_own_purpose_only(services: Services, visitor) -> None:
    owner = visitor("owner")
    good = ways(services, owner)
    for kind, token in good.items():
        joins = visitor("").get("/join", params={"token": token}).status_code
        assert joins == (200 if kind == "invitation" else 404), kind
        enters = visitor("").get("/enter", params={"token": token}).status_code
        assert enters == (200 if kind == "link" else 404), kind
        stranger = visitor("")
        stranger.http.cookies.set(COOKIE, token)
        assert stranger.get("/me").status_code == (200 if kind == "session" else 401), kind


@pytest.mark.parametrize("token", FORGED)
def test_forged_tokens_open_nothing(services: Services, visitor, token: str) -> None:
    for path in ("/join", "/enter"):
        assert visitor("").get(path, params={"token": token}).status_code == 404
        answer = visitor("").http.post(path, data={"token": token, "name": "Eve"})
        assert answer.status_code in {404, 422}
        assert "set-cookie" not in answer.headers
    stranger = visitor("")
    answer = stranger.http.get("/me", headers={"cookie": f"{COOKIE}={token}".encode()})
    assert answer.status_code == 401


def test_a_token_of_another_project_opens_nothing(services: Services, visitor) -> None:
    owner = visitor("owner")
    other = Signer("0" * 64)
    body = {"p": owner.person.person_id, "e": owner.person.epoch, "n": "x"}
    stranger = visitor("")
    stranger.http.cookies.set(COOKIE, other.sign("session", body))
    assert stranger.get("/me").status_code == 401


def test_tokens_expire(services: Services, visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = visitor("owner")
    good = ways(services, owner)
    assert owner.get("/me").status_code == 200
    later = time.time() + services.settings.session_days * 24 * 3600 + 60
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda _self: int(later))
    monkeypatch.setattr(time, "time", lambda: later)
    assert owner.get("/me").status_code == 401
    assert visitor("").get("/enter", params={"token": good["link"]}).status_code == 404


def test_expired_and_revoked_invitations_let_nobody_in(services: Services, visitor) -> None:
    short = invite(services.project, "owner", days=1e-9, who="ada")
    taken_back = invite(services.project, "owner", who="ada")
    revoke(services.project, taken_back.invitation_id, who="ada", why="a mistake")
    for invitation in (short, taken_back):
        form = {"token": token_of(invitation_link(services, invitation)), "name": "Eve"}
        answer = visitor("").http.post("/join", data=form)
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers


def test_ended_sessions_and_links_are_over_at_once(services: Services, visitor) -> None:
    person = visitor("owner")
    link = person_link(services, person.person, days=1)
    assert visitor("").get("/enter", params={"token": token_of(link)}).status_code == 200
    end_sessions(services.project, person.person.person_id, who="ada", why="lost a laptop")
    assert person.get("/me").status_code == 401
    assert visitor("").get("/enter", params={"token": token_of(link)}).status_code == 404


def test_signing_in_never_takes_a_session_that_others_gave(services: Services, visitor) -> None:
    attacker, victim = visitor("worker"), visitor("worker")
    given = attacker.http.cookies[COOKIE]
    link = token_of(person_link(services, victim.person, days=1))
    browser = visitor("")
    browser.http.cookies.set(COOKIE, given, domain="127.0.0.1", path="/")
    page = browser.get("/enter", params={"token": link})
    assert "somebody else" in page.text
    assert browser.http.post("/enter", data={"token": link}).status_code == 403
    answer = browser.http.post("/enter", data={"token": link, "csrf": attacker.csrf})
    assert answer.status_code == 303
    assert browser.http.cookies[COOKIE] != given
    assert victim.person.name in browser.get("/me").text


def test_following_a_link_signs_nobody_in_before_they_say_so(services: Services, visitor) -> None:
    link = token_of(person_link(services, visitor("owner").person, days=1))
    stranger = visitor("")
    answer = stranger.get("/enter", params={"token": link})
    assert "set-cookie" not in answer.headers
    assert stranger.get("/me").status_code == 401


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(services: Services, visitor) -> None:
    link = token_of(person_link(services, visitor("worker").person, days=1))
    answer = visitor("").http.post("/enter", data={"token": link})
    cookie = answer.headers["set-cookie"].lower()
    for word in ("httponly", "samesite=lax", "path=/", "max-age="):
        assert word in cookie
    assert "domain=" not in cookie


def test_guessing_links_gets_slow(services: Services, visitor) -> None:
    stranger = visitor("")
    answers = [stranger.get("/join", params={"token": "x"}) for _ in range(int(FAILURES.burst) + 1)]
    assert [one.status_code for one in answers] == [404] * int(FAILURES.burst) + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert stranger.http.post("/enter", data={"token": "x"}).status_code == 429
    assert stranger.get("/").status_code == 200


def test_no_page_leads_away(services: Services, visitor) -> None:
    """There is no parameter that says where to go next, and forms only lead to pages of ours."""
    worker = visitor("worker")
    invitation = invite(services.project, "worker", who="ada")
    for nasty in (
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
    ):
        names = ("next", "url", "redirect", "return_to", "continue")
        token = token_of(person_link(services, worker.person, days=1))
        answers = [
            visitor("").http.post(
                "/enter", params=dict.fromkeys(names, nasty),
                data={"token": token} | dict.fromkeys(names, nasty),
                headers={"referer": nasty, "x-forwarded-host": "evil.example"},
            ),
            visitor("").http.post(
                "/join", params=dict.fromkeys(names, nasty),
                data={"token": token_of(invitation_link(services, invitation)), "name": f"N{nasty}"},
            ),
            visitor("").get(f"/{nasty}"),
            visitor("").get("//evil.example/.."),
        ]  # fmt: skip
        for answer in answers:
            assert answer.headers.get("location", "/") in {"/", "/me"}
