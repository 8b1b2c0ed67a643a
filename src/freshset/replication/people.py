"""People who label, review or own a test set in the browser: invitations, roles, and who joined."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from freshset.core.errors import NotFoundError, UsageError, did_you_mean
from freshset.replication.project import Project, now
from freshset.replication.tables import invitations, people

Role = Literal["worker", "reviewer", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has joined.

    Attributes
    ----------
    person_id
        Random; what sessions and answers know of a person.
    name
        As given; what the log knows of reviewers and owners.
    role
        See `ROLES`.
    active
        Whether the person may still come in.
    epoch
        Sessions of an earlier one are over.
    joined_at, consented_at, qualified_at
        UTC; empty where it has not happened.
    """

    person_id: str
    name: str
    role: Role
    active: bool
    epoch: int
    joined_at: str
    consented_at: str
    qualified_at: str

    def may(self, role: Role) -> bool:
        """Whether the person may do what a role may."""
        return self.active and ROLES.index(self.role) >= ROLES.index(role)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A way in.

    Attributes
    ----------
    role
        Of those who join by it.
    note
        For whom it is.
    uses, used
        How many may join by it, and have.
    expires_at
        UTC.
    revoked
        Whether it was taken back.
    who, at
        Who made it, and when.
    """

    invitation_id: str
    role: Role
    note: str
    uses: int
    used: int
    expires_at: str
    revoked: bool
    who: str
    at: str

    def open(self, at: str = "") -> bool:
        """Whether somebody can still join by it."""
        return not self.revoked and self.used < self.uses and (at or now()) < self.expires_at

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def invite(
    project: Project, role: str, *, uses: int = 1, days: float = 7, note: str = "", who: str
) -> Invitation:
    """Make an invitation.

    Raises
    ------
    UsageError
        For an unknown role, or numbers that make no sense.
    """
    if role not in ROLES:
        raise UsageError(f"No role {role!r}.", did_you_mean(role, ROLES))
    if not 1 <= uses <= 10_000 or not 0 < days <= 366:
        raise UsageError(
            "An invitation is for 1 to 10,000 people and at most 366 days.", "Give such numbers."
        )
    with project.change("people.invite", who=who, why=note or f"A {role} is wanted") as change:
        expires = datetime.fromisoformat(change.at) + timedelta(days=days)
        made = Invitation(
            secrets.token_hex(16), role, note, uses, 0, _text(expires),
            revoked=False, who=who, at=change.at,
        )  # fmt: skip
        change.connection.execute(sa.insert(invitations), [made.to_dict()])
        change.detail |= {"invitation": made.invitation_id, "role": role, "uses": uses}
        change.detail["expires_at"] = made.expires_at
    return made


def revoke(project: Project, invitation_id: str, *, who: str, why: str) -> None:
    """Take an invitation back; who has joined by it stays.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    with project.change("people.revoke", who=who, why=why, subject=invitation_id) as change:
        found(change.connection, invitation_id)
        query = sa.update(invitations).where(invitations.c.invitation_id == invitation_id)
        change.connection.execute(query.values(revoked=True))


def join(project: Project, invitation_id: str, name: str) -> Person:
    """Let somebody in by an invitation.

    Raises
    ------
    NotFoundError
        When there is no such invitation.
    UsageError
        When it is used up, expired or revoked, or the name is empty, too long or taken.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise UsageError("A name has 1 to 80 letters.", "Give the name that you are known by.")
    with project.change("people.join", who=name, why="Invited", subject=name) as change:
        invitation = found(change.connection, invitation_id)
        if not invitation.open(change.at):
            raise UsageError(
                "This invitation was used, has expired or was taken back.",
                "Ask whoever sent it for another one.",
            )
        taken = sa.select(people.c.name).where(sa.func.lower(people.c.name) == name.lower())
        if change.connection.execute(taken).first():
            raise UsageError(f"There is somebody called {name!r} already.", "Add an initial.")
        query = sa.update(invitations).where(invitations.c.invitation_id == invitation_id)
        change.connection.execute(query.values(used=invitations.c.used + 1))
        person = Person(
            secrets.token_hex(16), name, invitation.role, active=True, epoch=1,
            joined_at=change.at, consented_at="", qualified_at="",
        )  # fmt: skip
        row = person.to_dict() | {"invitation_id": invitation.invitation_id}
        change.connection.execute(sa.insert(people), [row])
        change.detail |= {"role": invitation.role, "invitation": invitation.invitation_id}
    return person


def find_person(connection: sa.Connection, person_id: str) -> Person | None:
    """Somebody by id."""
    row = connection.execute(_people.where(people.c.person_id == person_id)).first()
    return None if row is None else Person(*row)


def found(connection: sa.Connection, invitation_id: str) -> Invitation:
    """An invitation by id.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    query = sa.select(invitations).where(invitations.c.invitation_id == invitation_id)
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError("There is no such invitation.", "Ask for another link.")
    return Invitation(*row)


_people = sa.select(*(people.c[name] for name in Person.__slots__))


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")
