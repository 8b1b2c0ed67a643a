"""How people come in and go: the first page, invitations, and leaving."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from freshset.core.errors import NotFoundError, UsageError
from freshset.replication import people
from freshset.webapp.identity import AnySession, close_session, open_session
from freshset.webapp.pages import render
from freshset.webapp.services import Services, Shared

router = APIRouter(include_in_schema=False)


def link(services: Services, invitation: people.Invitation) -> str:
    """Address by which somebody joins."""
    token = services.signer.sign("invitation", {"i": invitation.invitation_id})
    return f"{services.settings.base_url}/join?token={token}"


@router.get("/")
def home(request: Request, services: Shared, session: AnySession) -> Response:
    """Show where to go from here."""
    spec = services.project.spec
    return render(request, "home.html", spec=spec, person=session and session.person)


@router.get("/join")
def ask_name(request: Request, services: Shared, token: Annotated[str, Query()] = "") -> Response:
    """Ask who comes in by an invitation."""
    return render(
        request, "join.html", invitation=_invitation(services, token), token=token,
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
    invitation = _invitation(services, token)
    try:
        person = people.join(services.project, invitation.invitation_id, name)
    except UsageError as error:
        return render(
            request, "join.html", status=422, invitation=invitation, token=token, name=name,
            message=str(error), spec=services.project.spec,
        )  # fmt: skip
    response = RedirectResponse("/", 303)
    open_session(response, services, person)
    return response


@router.post("/leave")
def leave() -> Response:
    """Sign out."""
    response = RedirectResponse("/", 303)
    close_session(response)
    return response


def _invitation(services: Services, token: str) -> people.Invitation:
    body = services.signer.read("invitation", token)
    if body is None:
        raise NotFoundError(
            "This is no link of an invitation.", "Copy the whole link, or ask for another one."
        )
    with services.project.read() as connection:
        return people.found(connection, str(body.get("i")))
