"""Who makes a request: sessions in a signed cookie, roles, and proof that a page of ours sent it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from freshset.replication.people import Person, Role, find_person
from freshset.webapp.errors import Forbidden, Unknown
from freshset.webapp.services import Services, Shared

COOKIE = "freshset_session"
HEADER = "X-CSRF-Token"
FIELD = "csrf"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """A person, and what pages of this session must send with every change."""

    person: Person
    csrf: str


def open_session(response: Response, services: Services, person: Person) -> Session:
    """Let a person in from now on, by a cookie of the response."""
    settings = services.settings
    nonce = secrets.token_hex(8)
    body = {"p": person.person_id, "e": person.epoch, "n": nonce}
    response.set_cookie(
        COOKIE,
        services.signer.sign("session", body),
        max_age=int(settings.session_days * _DAY),
        httponly=True,
        secure=settings.secure,
        samesite="lax",  # strict would let nobody in who follows a link from a mail
    )
    return _session(services, person, nonce)


def close_session(response: Response) -> None:
    """Forget who it was."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


def get_session(request: Request, services: Shared) -> Session | None:
    """Session of a request; ``None`` where there is none, or no longer."""
    seconds = int(services.settings.session_days * _DAY)
    body = services.signer.read("session", request.cookies.get(COOKIE, ""), seconds=seconds)
    if body is None:
        return None
    with services.project.read() as connection:
        person = find_person(connection, str(body.get("p")))
    if person is None or not person.active or person.epoch != body.get("e"):
        return None
    session = _session(services, person, str(body.get("n")))
    request.state.session = session  # for the pages, see `freshset.webapp.pages.render`
    return session


async def check_source(
    request: Request, session: Annotated[Session | None, Depends(get_session)]
) -> None:
    """Refuse a change that another site's page may have sent.

    Raises
    ------
    Forbidden
        When the request changes something and lacks the token of its session.
    """
    if request.method in _SAFE or session is None:
        return
    given = request.headers.get(HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        given = str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Forbidden("This page is too old.", "Load it again, then repeat what you did.")


def require(role: Role) -> Callable[..., Person]:
    """Return a dependency: the person, who must have joined with at least a role.

    It raises `Unknown` where nobody has, and `Forbidden` where the role is not enough.
    """

    def person(session: Annotated[Session | None, Depends(get_session)]) -> Person:
        if session is None:
            raise Unknown("You are not signed in.", "Open the link of your invitation.")
        if not session.person.may(role):
            raise Forbidden(f"This is for a {role}.", "Ask the owner of the test set.")
        return session.person

    return person


def _session(services: Services, person: Person, nonce: str) -> Session:
    return Session(person, services.signer.mark("csrf", nonce))


AnySession = Annotated[Session | None, Depends(get_session)]
Worker = Annotated[Person, Depends(require("worker"))]
Reviewer = Annotated[Person, Depends(require("reviewer"))]
Owner = Annotated[Person, Depends(require("owner"))]
