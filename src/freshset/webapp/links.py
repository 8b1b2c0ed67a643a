"""Links by which people come in: each is signed for one purpose, expires, and can be ended."""

from __future__ import annotations

import time

from freshset.replication.people import Invitation, Person, find_person, invite, list_people
from freshset.webapp.services import Services

_DAY = 24 * 3600


def invitation_link(services: Services, invitation: Invitation) -> str:
    """Address by which somebody joins."""
    token = services.signer.sign("invitation", {"i": invitation.invitation_id})
    return f"{services.settings.base_url}/join?token={token}"


def read_invitation(services: Services, token: str) -> str | None:
    """Id of the invitation of a link; ``None`` for a forged one."""
    body = services.signer.read("invitation", token)
    return None if body is None else str(body.get("i"))


def person_link(services: Services, person: Person, *, days: float) -> str:
    """Address by which somebody who has joined comes back, until their sessions are ended."""
    until = int(time.time() + days * _DAY)
    body = {"p": person.person_id, "e": person.epoch, "until": until}
    return f"{services.settings.base_url}/enter?token={services.signer.sign('link', body)}"


def read_person(services: Services, token: str) -> Person | None:
    """Whose link it is; ``None`` for one that is forged, too old or ended."""
    body = services.signer.read("link", token)
    if body is None or body.get("until", 0) <= time.time():
        return None
    with services.project.read() as connection:
        person = find_person(connection, str(body.get("p")))
    if person is None or not person.active or person.epoch != body.get("e"):
        return None
    return person


def first_link(services: Services, *, who: str) -> tuple[str, str]:
    """Return whom a link for the operator lets in within a day, and the link.

    That is the first owner, or somebody who becomes owner where there is none yet.
    """
    with services.project.read() as connection:
        owners = [person for person in list_people(connection) if person.may("owner")]
    if owners:
        return owners[0].name, person_link(services, owners[0], days=1)
    invitation = invite(services.project, "owner", days=1, note="Whoever runs the app", who=who)
    return "the owner", invitation_link(services, invitation)
