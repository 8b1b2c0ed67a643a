"""People, for owners: who may come in, as what, and by which link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from freshset.replication import people
from freshset.replication.labelling.activity import Activity, activity
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.webapp.identity import Owner
from freshset.webapp.links import invitation_link, person_link
from freshset.webapp.pages import render
from freshset.webapp.params import Note, Reason
from freshset.webapp.services import Services, Shared

router = APIRouter(include_in_schema=False)
_NOTHING = Activity(0, "")


@dataclass(frozen=True, slots=True)
class Row:
    """A person, by which hash answers know them, and what they did."""

    person: people.Person
    worker: str
    activity: Activity


class Wanted(BaseModel):
    """What an invitation is to be like."""

    role: people.Role
    note: Note = ""
    uses: int = 1
    days: float = 7


class Signed(BaseModel):
    """Why something is done."""

    why: Reason


class Standing(Signed):
    """What is done to a person's standing."""

    action: Literal["block", "unblock", "end-sessions", "worker", "reviewer", "owner"]


@router.get("/people")
def show_people(request: Request, services: Shared, owner: Owner) -> Response:
    """List everybody who has joined, and all invitations."""
    project = services.project
    with project.read() as connection:
        found = people.list_people(connection)
        invitations = people.list_invitations(connection)
        done = activity(connection)
    rows = []
    for person in found:
        worker = hash_worker(person.person_id, project.salt)
        rows.append(Row(person, worker, done.get(worker, _NOTHING)))
    return render(
        request, "people.html", rows=rows, owner=owner, roles=people.ROLES,
        open=[one for one in invitations if one.open()],
        closed=[one for one in invitations if not one.open()],
    )  # fmt: skip


@router.post("/people/invitations")
def invite(
    request: Request, services: Shared, owner: Owner, wanted: Annotated[Wanted, Form()]
) -> Response:
    """Make an invitation and show its link, this once."""
    invitation = people.invite(
        services.project, wanted.role, uses=wanted.uses, days=wanted.days,
        note=wanted.note.strip(), who=owner.name,
    )  # fmt: skip
    return render(
        request, "people_link.html", status=201, link=invitation_link(services, invitation),
        invitation=invitation, person=None, days=wanted.days,
    )  # fmt: skip


@router.post("/people/invitations/{invitation_id}/revoke")
def revoke(
    invitation_id: str, services: Shared, owner: Owner, reason: Annotated[Signed, Form()]
) -> Response:
    """Take an invitation back."""
    people.revoke(services.project, invitation_id, who=owner.name, why=reason.why)
    return RedirectResponse("/people", 303)


@router.post("/people/{person_id}/link")
def make_link(
    request: Request,
    person_id: str,
    services: Shared,
    owner: Owner,
    reason: Annotated[Signed, Form()],
) -> Response:
    """Make a link for somebody who has joined and cannot get in."""
    person = people.note_link(services.project, person_id, who=owner.name, why=reason.why)
    days = services.settings.session_days
    return render(
        request, "people_link.html", status=201, link=person_link(services, person, days=days),
        invitation=None, person=person, days=days,
    )  # fmt: skip


@router.post("/people/{person_id}")
def change(
    person_id: str, services: Shared, owner: Owner, standing: Annotated[Standing, Form()]
) -> Response:
    """Block or unblock somebody, end their sessions, or give them another role."""
    _apply(services, person_id, standing, owner.name)
    services.known.forget(person_id)
    return RedirectResponse("/people", 303)


def _apply(services: Services, person_id: str, standing: Standing, who: str) -> None:
    simple: dict[str, Callable[..., object]] = {
        "block": people.block,
        "unblock": people.unblock,
        "end-sessions": people.end_sessions,
    }
    if done := simple.get(standing.action):
        done(services.project, person_id, who=who, why=standing.why)
        return
    people.change_role(services.project, person_id, standing.action, who=who, why=standing.why)
