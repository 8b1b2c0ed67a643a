"""People who label, review or own a test set in the browser: invitations, roles, and who joined."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from freshset.core.errors import NotFoundError, UsageError, did_you_mean
from freshset.core.files import sha256_bytes
from freshset.replication.journal import Change
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
    role = _known_role(role)
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
    name = _clean(name)
    with project.change("people.join", who=name, why="Invited", subject=name) as change:
        invitation = found(change.connection, invitation_id)
        if not invitation.open(change.at):
            raise UsageError(
                "This invitation was used, has expired or was taken back.",
                "Ask whoever sent it for another one.",
            )
        if _is_taken(change.connection, name):
            raise UsageError(f"There is somebody called {name!r} already.", "Add an initial.")
        query = sa.update(invitations).where(invitations.c.invitation_id == invitation_id)
        change.connection.execute(query.values(used=invitations.c.used + 1))
        return _enter(change, name, invitation.role, invitation.invitation_id)


def admit(project: Project, name: str, role: str) -> Person:
    """Let somebody in whom a trusted proxy has signed in; the first time, they join with a role.

    The proxy's names and those that people gave themselves are told apart: whoever joined by an
    invitation under the same name stays another person, and the newcomer is called otherwise.

    Raises
    ------
    UsageError
        When the name is empty or too long, or the role unknown.
    """
    name, role = _clean(name), _known_role(role)
    mark = _SIGNED_ON + sha256_bytes(name.encode())[: 32 - len(_SIGNED_ON)]
    query = _people.where(people.c.invitation_id == mark)
    with project.read() as connection:
        row = connection.execute(query).first()
    if row is not None:
        return Person(*row)
    try:
        with project.change("people.join", who=name, why="Signed in by a proxy") as change:
            _check_new(change.connection, query)
            shown = name
            if _is_taken(change.connection, name):
                shown = f"{name[:60]} ({mark[-6:]})"
            return _enter(change, shown, role, mark)
    except _Joined:
        return admit(project, name, role)


def block(project: Project, person_id: str, *, who: str, why: str) -> None:
    """Let somebody in no more; all sessions end, answers stay.

    Raises
    ------
    NotFoundError
        When there is nobody.
    UsageError
        When it is the last owner.
    """
    with _changed(project, "people.block", person_id, who=who, why=why) as (change, person):
        _keep_an_owner(change.connection, person)
        _put(change, person, active=False, epoch=person.epoch + 1)


def unblock(project: Project, person_id: str, *, who: str, why: str) -> None:
    """Let somebody in again, by a new link.

    Raises
    ------
    NotFoundError
        When there is nobody.
    """
    with _changed(project, "people.unblock", person_id, who=who, why=why) as (change, person):
        _put(change, person, active=True)


def end_sessions(project: Project, person_id: str, *, who: str, why: str) -> Person:
    """End all sessions and links of somebody; returns the person with the new epoch.

    Raises
    ------
    NotFoundError
        When there is nobody.
    """
    with _changed(project, "people.end-sessions", person_id, who=who, why=why) as (change, person):
        return _put(change, person, epoch=person.epoch + 1)


def note_link(project: Project, person_id: str, *, who: str, why: str) -> Person:
    """Log that somebody gets a link to come back; returns the person.

    Raises
    ------
    NotFoundError
        When there is nobody.
    UsageError
        When the person is blocked.
    """
    with _changed(project, "people.link", person_id, who=who, why=why) as (_, person):
        if not person.active:
            raise UsageError(f"{person.name} is blocked.", "Let them in again first.")
        return person


def change_role(project: Project, person_id: str, role: str, *, who: str, why: str) -> None:
    """Give somebody another role.

    Raises
    ------
    NotFoundError
        When there is nobody.
    UsageError
        For an unknown role, or when it is the last owner.
    """
    role = _known_role(role)
    with _changed(project, "people.role", person_id, who=who, why=why) as (change, person):
        if role != "owner":
            _keep_an_owner(change.connection, person)
        _put(change, person, role=role)


def list_people(connection: sa.Connection) -> list[Person]:
    """Everybody who has joined, in the order in which they did."""
    query = _people.order_by(people.c.joined_at, people.c.person_id)
    return [Person(*row) for row in connection.execute(query)]


def list_invitations(connection: sa.Connection) -> list[Invitation]:
    """All invitations, the newest first."""
    query = sa.select(invitations).order_by(invitations.c.at.desc(), invitations.c.invitation_id)
    return [Invitation(*row) for row in connection.execute(query)]


def count_people(connection: sa.Connection) -> dict[Role, int]:
    """How many may come in, by role."""
    query = sa.select(people.c.role, sa.func.count()).where(people.c.active)
    found = {row[0]: int(row[1]) for row in connection.execute(query.group_by(people.c.role))}
    return {role: found.get(role, 0) for role in ROLES}


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


_SIGNED_ON = "sso-"


class _Joined(Exception):  # noqa: N818  # never leaves this module
    """Somebody's first two requests came together, and this is the second."""


@contextmanager
def _changed(
    project: Project, action: str, person_id: str, *, who: str, why: str
) -> Iterator[tuple[Change, Person]]:
    with project.read() as connection:
        name = _person(connection, person_id).name
    with project.change(action, who=who, why=why, subject=name) as change:
        yield change, _person(change.connection, person_id)


def _put(change: Change, person: Person, **values: Any) -> Person:
    query = sa.update(people).where(people.c.person_id == person.person_id)
    change.connection.execute(query.values(**values))
    before = {name: getattr(person, name) for name in values}
    change.detail |= {"before": before, "after": values}
    return replace(person, **values)


def _person(connection: sa.Connection, person_id: str) -> Person:
    person = find_person(connection, person_id)
    if person is None:
        raise NotFoundError("There is no such person.", "Load the page again.")
    return person


def _keep_an_owner(connection: sa.Connection, person: Person) -> None:
    if person.role == "owner" and person.active and count_people(connection)["owner"] == 1:
        raise UsageError(f"{person.name} is the last owner.", "Make somebody else owner first.")


def _enter(change: Change, name: str, role: str, invitation_id: str) -> Person:
    person = Person(
        secrets.token_hex(16), name, _known_role(role), active=True, epoch=1,
        joined_at=change.at, consented_at="", qualified_at="",
    )  # fmt: skip
    row = person.to_dict() | {"invitation_id": invitation_id}
    change.connection.execute(sa.insert(people), [row])
    change.detail |= {"name": name, "role": role, "invitation": invitation_id}
    return person


def _check_new(connection: sa.Connection, query: sa.Select[Any]) -> None:
    if connection.execute(query).first() is not None:
        raise _Joined  # so that nothing is logged


def _known_role(role: str) -> Role:
    for one in ROLES:
        if one == role:
            return one
    raise UsageError(f"No role {role!r}.", did_you_mean(role, ROLES))


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise UsageError("A name has 1 to 80 letters.", "Give the name that you are known by.")
    return name


def _is_taken(connection: sa.Connection, name: str) -> bool:
    # SQLite knows capitals of English letters only.
    names = connection.execute(sa.select(people.c.name)).scalars()
    return name.casefold() in {one.casefold() for one in names}


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")
