"""How people come in and go: the first page, invitations, their own links, and leaving."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from freshset.core.errors import NotFoundError, UsageError
from freshset.replication import people
from freshset.webapp.identity import (
    AnySession,
    Worker,
    close_session,
    is_vouched,
    open_session,
)
from freshset.webapp.links import person_link, read_invitation, read_person
from freshset.webapp.pages import render
from freshset.webapp.proxies import neighbourhood
from freshset.webapp.services import Services, Shared

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request, services: Shared, session: AnySession) -> Response:
    """Show where to go from here."""
    spec = services.project.spec
    return render(request, "home.html", spec=spec, person=session and session.person)


@router.get("/join")
def ask_name(request: Request, services: Shared, token: Annotated[str, Query()] = "") -> Response:
    """Ask who comes in by an invitation."""
    return render(
        request, "join.html", invitation=_invitation(request, services, token), token=token,
        name="", message="", spec=services.project.spec,
    )  # fmt: skip


@router.post("/join")
def come_in(
    request: Request,
    services: Shared,
    token: Annotated[str, Form()],
    name: Annotated[str, Form()],
) -> Response:
    """Let somebody in."""
    invitation = _invitation(request, services, token)
    try:
        person = people.join(services.project, invitation.invitation_id, name)
    except UsageError as error:
        return render(
            request, "join.html", status=422, invitation=invitation, token=token, name=name,
            message=str(error), spec=services.project.spec,
        )  # fmt: skip
    response = RedirectResponse("/me", 303)
    open_session(response, services, person)
    return response


@router.get("/enter")
def ask_return(request: Request, services: Shared, token: Annotated[str, Query()] = "") -> Response:
    """Ask somebody to confirm who comes back, so that no link of others signs anybody in unseen."""
    person = _returning(request, services, token)
    return render(request, "enter.html", person=person, token=token, spec=services.project.spec)


@router.post("/enter")
def come_back(request: Request, services: Shared, token: Annotated[str, Form()]) -> Response:
    """Let somebody in who has joined before."""
    person = _returning(request, services, token)
    response = RedirectResponse("/", 303)
    open_session(response, services, person)
    return response


@router.get("/me")
def show_me(request: Request, services: Shared, person: Worker) -> Response:
    """Show people what is known of them, and how they come back."""
    vouched, days = is_vouched(request, services), services.settings.session_days
    return render(
        request, "me.html", person=person, days=days,
        link="" if vouched else person_link(services, person, days=days),
    )  # fmt: skip


@router.post("/me/sessions")
def end_my_sessions(services: Shared, person: Worker) -> Response:
    """End all sessions of a person but this one, and the links that open them."""
    changed = people.end_sessions(
        services.project, person.person_id, who=person.name, why="Asked for by the person"
    )
    services.known.forget(person.person_id)
    response = RedirectResponse("/me", 303)
    open_session(response, services, changed)
    return response


@router.post("/leave")
def leave(services: Shared) -> Response:
    """Sign out."""
    response = RedirectResponse("/", 303)
    close_session(response, services)
    return response


def _invitation(request: Request, services: Services, token: str) -> people.Invitation:
    place = _place(request, services)
    invitation_id = read_invitation(services, token)
    if invitation_id is None:
        services.limits.failed(place)
        raise NotFoundError(
            "This is no link of an invitation.", "Copy the whole link, or ask for another one."
        )
    with services.project.read() as connection:
        return people.found(connection, invitation_id)


def _returning(request: Request, services: Services, token: str) -> people.Person:
    place = _place(request, services)
    person = read_person(services, token)
    if person is None:
        services.limits.failed(place)
        raise NotFoundError(
            "This link lets nobody in, or no longer.", "Ask the owner of the test set for another."
        )
    return person


def _place(request: Request, services: Services) -> str:
    """Place that a request comes from, unless too many wrong links did of late."""
    place = neighbourhood(services.proxies.address(request.scope))
    services.limits.check_failures(place)
    return place
