"""Who makes a request: sessions in a signed cookie, roles, and proof that a page of ours sent it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from freshset.core.errors import UsageError
from freshset.replication.people import Person, Role, admit, find_person
from freshset.webapp.errors import Forbidden, Unknown
from freshset.webapp.proxies import neighbourhood
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings

COOKIE = "freshset_session"
HEADER = "X-CSRF-Token"
FIELD = "csrf"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_DAY = 24 * 3600
_OFTEN = ("/api/labelling/next", "/api/labelling/tasks/", "/labelling/images/")
"""What workers ask for all the time; see `freshset.webapp.known`."""
SELDOM = frozenset({"/label/trial"})
"""Where trying again and again would be guessing; see `freshset.webapp.limits.FAILURES`."""


@dataclass(frozen=True, slots=True)
class Session:
    """A person, and what pages of this session must send with every change."""

    person: Person
    csrf: str


def cookie_name(settings: Settings) -> str:
    """Name of the cookie; with HTTPS one that no neighbouring site can set for us."""
    return f"__Host-{COOKIE}" if settings.secure else COOKIE


def open_session(response: Response, services: Services, person: Person) -> Session:
    """Let a person in from now on, by a cookie of the response."""
    settings = services.settings
    nonce = secrets.token_hex(8)  # always a new one, whatever the request came with
    body = {"p": person.person_id, "e": person.epoch, "n": nonce}
    response.set_cookie(
        cookie_name(settings),
        services.signer.sign("session", body),
        max_age=int(settings.session_days * _DAY),
        httponly=True,
        secure=settings.secure,
        samesite="lax",  # strict would let nobody in who follows a link from a mail
    )
    return _session(services, person, nonce)


def close_session(response: Response, services: Services) -> None:
    """Forget who it was."""
    settings = services.settings
    response.delete_cookie(
        cookie_name(settings), httponly=True, secure=settings.secure, samesite="lax"
    )


def is_vouched(request: Request, services: Services) -> bool:
    """Whether a proxy says who makes a request, so that no link is needed."""
    return bool(_named_by_proxy(request, services))


async def get_session(request: Request) -> Session | None:
    """Session of a request, as `check_source` found it; ``None`` where there is none."""
    session: Session | None = request.state.session
    return session


async def _read_session(request: Request, services: Services) -> Session | None:
    """Session of a request; ``None`` where there is none, or no longer."""
    settings = services.settings
    name = _named_by_proxy(request, services)
    if name:
        person: Person | None = await run_in_threadpool(_admit, services, name)
        # Such a request brings no cookie of ours, so its pages prove by person and epoch.
        nonce = f"{person.person_id}.{person.epoch}" if person else ""
    else:
        seconds = int(settings.session_days * _DAY)
        cookie = request.cookies.get(cookie_name(settings), "")
        body = services.signer.read("session", cookie, seconds=seconds) if cookie else None
        if body is None:
            return None
        person, nonce = await _find(request, services, str(body.get("p"))), str(body.get("n"))
        if person is None or person.epoch != body.get("e"):
            return None
    if person is None or not person.active:
        return None
    return _session(services, person, nonce)


async def check_source(request: Request) -> None:
    """Find the session; refuse requests that come too fast, and changes that others may have sent.

    It comes before all other dependencies, and takes the request alone: each one between them costs
    the framework as much time as the session.

    Raises
    ------
    TooMany
        When requests of the person, or of the address where nobody is signed in, come too fast.
    Forbidden
        When the request changes something, and another site's page sent it or it lacks the token of
        its session, or a proxy names somebody who may not come in.
    """
    services: Services = request.app.state.services
    request.state.session = None
    session = await _read_session(request, services)
    request.state.session = session  # also for the pages, see `freshset.webapp.pages.render`
    if session is not None:
        services.limits.take_of_person(session.person.person_id)
    else:
        services.limits.take_of_place(neighbourhood(services.proxies.address(request.scope)))
    if request.method in _SAFE:
        return
    _check_origin(request, services.settings)
    if session is None:
        return
    if request.scope["path"] in SELDOM:
        services.limits.check_failures(session.person.person_id)
        services.limits.failed(session.person.person_id)
    given = request.headers.get(HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        given = str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        await request.close()  # lets go of files that came with a form
        raise Forbidden("This page is too old.", "Load it again, then repeat what you did.")


@dataclass(frozen=True, slots=True)
class Require:
    """A dependency: the person, who must have joined with at least a role.

    It raises `Unknown` where nobody has, and `Forbidden` where the role is not enough.
    """

    role: Role

    async def __call__(self, request: Request) -> Person:
        """Return the person."""
        session: Session | None = request.state.session
        if session is None:
            raise Unknown("You are not signed in.", "Open the link of your invitation.")
        if not session.person.may(self.role):
            raise Forbidden(
                f"This is for people who are {self.role}.", "Ask the owner of the test set."
            )
        return session.person


async def _find(request: Request, services: Services, person_id: str) -> Person | None:
    often = request.scope["path"].startswith(_OFTEN)
    if often and (known := services.known.get(person_id)) is not None:
        return known
    person = await run_in_threadpool(_read, services, person_id)
    if not often and request.method not in _SAFE:
        services.known.forget(person_id)  # this may change them
    elif person is not None:
        services.known.put(person_id, person)
    return person


def _read(services: Services, person_id: str) -> Person | None:
    with services.project.read() as connection:
        return find_person(connection, person_id)


def _named_by_proxy(request: Request, services: Services) -> str:
    """Name that a proxy vouches for; nobody else is believed, whatever they send."""
    header = services.settings.sso_header
    if not header or not services.proxies.speak_for(request.scope):
        return ""
    names = request.headers.getlist(header)
    if len(names) > 1:
        raise Forbidden("Two names came with one request.", "The proxy must replace this header.")
    # Headers are bytes; proxies send names as UTF-8.
    return names[0].encode("latin-1").decode("utf-8", "replace").strip() if names else ""


def _admit(services: Services, name: str) -> Person:
    try:
        return admit(services.project, name, services.settings.sso_role)
    except UsageError as error:
        raise Forbidden(error.message, error.hint) from error


def _check_origin(request: Request, settings: Settings) -> None:
    """Believe what a browser says about where a change comes from; programs say nothing."""
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "null").lower()
    if site:
        good = site in {"same-origin", "none"}
    else:
        # Pages that tell nobody where they are, as ours do, are "null".
        good = origin in {"null", settings.origin}
        good = good or origin == f"{request.url.scheme}://{request.url.netloc}"
    if not good:
        raise Forbidden("Another site sent this.", "Do it on a page of this app.")


def _session(services: Services, person: Person, nonce: str) -> Session:
    return Session(person, services.signer.mark("csrf", nonce))


AnySession = Annotated[Session | None, Depends(get_session)]
Worker = Annotated[Person, Depends(Require("worker"))]
Reviewer = Annotated[Person, Depends(Require("reviewer"))]
Owner = Annotated[Person, Depends(Require("owner"))]
