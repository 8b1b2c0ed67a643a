"""Who is asked about which task: each has places for as many workers as answers are wanted.

A worker holds a place for a limited time, by a lease.  The lease is signed, so that it proves by
itself to whom, for which task and when it was given, also after its place has gone to somebody else.
All here happens in transactions of which only one writes at a time, so that no two workers can be
given one place; the keys of the table ``slots`` refuse it too.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import sqlalchemy as sa

from freshset.core.errors import ConflictError
from freshset.replication.databases import Prepared
from freshset.replication.project import Together, now
from freshset.replication.tables import answers, drafts, exclusions, slots, task_items, tasks

SLACK = timedelta(minutes=1)
"""How far clocks may differ or step back before a lease counts as one of another time."""

OPENED = 50
"""Tasks that get their places at once, so that those begun are finished before others are."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A place that a worker holds for a while.

    Attributes
    ----------
    task_id, class_key
        What the worker is asked.
    lease
        What the worker must show to answer.
    leased_at, expires_at
        UTC.
    """

    task_id: str
    class_key: str
    lease: str
    leased_at: str
    expires_at: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


def take(together: Together, worker: str, *, later_on: Collection[str] = ()) -> Lease | None:
    """Give a worker a task: the one they hold, or else the next; ``None`` when nothing is left.

    Tasks come in the order of their ids, which are random and so tell nothing, and those begun are
    finished first.  Nobody is asked about a task twice, nor about one whose class the spec no longer
    has or an image of which was taken down.

    Parameters
    ----------
    later_on
        Ids of tasks that the worker gave back, which come again when no other is left.
    """
    connection, at = together.connection, now()
    if _EXPIRED not in together.memo:
        _EXPIRE.run(connection, at=at, soon=later(at, SLACK))
        together.memo[_EXPIRED] = at
    found = _find(together, worker, later_on)
    while found is None and open_tasks(together):
        found = _find(together, worker, later_on)
    if found is None and later_on:
        found = _find(together, worker)
    if found is None or found.lease:
        return found and Lease(*found[1:])
    expires = later(at, timedelta(seconds=together.spec.tasks.seconds))
    lease = Lease(
        found.task_id, found.class_key, _signed(together, worker, found.task_id, at), at, expires
    )
    _LEASE.run(
        connection, of_task=found.task_id, of_slot=found.slot, by=worker, shown=lease.lease, at=at,
        until=expires,
    )  # fmt: skip
    return lease


def give_back(together: Together, worker: str, task_id: str, lease: str) -> None:
    """Give up a place; doing it again changes nothing.

    Raises
    ------
    ConflictError
        When the lease is not this worker's for this task.
    """
    leased_at(together, worker, task_id, lease)
    connection = together.connection
    own = sa.and_(slots.c.task_id == task_id, slots.c.worker == worker)
    query = sa.update(slots).where(own, slots.c.state == "leased").values(_FREE)
    if connection.execute(query).rowcount:
        mine = sa.and_(drafts.c.task_id == task_id, drafts.c.worker == worker)
        connection.execute(sa.delete(drafts).where(mine))


def leased_at(together: Together, worker: str, task_id: str, lease: str) -> str:
    """When a lease was given, which it proves itself.

    Raises
    ------
    ConflictError
        When it was not given to this worker for this task.
    """
    # The signature is of the lease's own digits, whatever they are read as.
    expected = _sealed(together, worker, task_id, lease[:_STAMP])
    if not hmac.compare_digest(lease.encode(), expected.encode()):
        raise ConflictError("You were not given this task.", "Load the page again for your task.")
    at = datetime.fromtimestamp(int(lease[:_STAMP], 16) / 1_000_000, UTC)
    return at.isoformat(timespec="microseconds")


def is_over(at: str, lease_at: str, expires_at: str) -> bool:
    """Whether a lease has ended at a time, or is of another time as the clock was put back."""
    return expires_at <= at or lease_at > later(at, SLACK)


def open_tasks(together: Together) -> int:
    """Make places for some more open tasks, as many as the spec wants answers; returns how many places.

    Where the spec wants more than it did the tasks get more.  Answers that came from a file fill
    places.
    """
    connection, wanted = together.connection, together.spec.tasks.answers
    of = slots.c
    there_are = sa.select(sa.func.count()).where(of.task_id == tasks.c.task_id).scalar_subquery()
    query = sa.select(tasks.c.task_id).where(tasks.c.status == "open", there_are < wanted)
    ids = list(connection.execute(query.order_by(tasks.c.task_id).limit(OPENED)).scalars())
    if not ids:
        return 0
    have = sa.select(of.task_id, of.slot).where(of.task_id.in_(ids))
    known = {(task_id, slot) for task_id, slot in connection.execute(have)}
    answered = _answered_elsewhere(connection, ids)
    rows = []
    for task_id in ids:
        there = answered.get(task_id, [])
        for slot in range(wanted):
            if (task_id, slot) in known:
                continue
            row = _FREE | {"task_id": task_id, "slot": slot, "submitted_at": ""}
            if there:
                worker, at = there.pop()
                row |= {"state": "done", "worker": worker, "submitted_at": at}
            rows.append(row)
    connection.execute(sa.insert(slots), rows)
    return len(rows)


def fill_places(connection: sa.Connection, task_ids: Collection[str]) -> int:
    """Let answers that came from a file take free places of their tasks; returns how many did."""
    of = slots.c
    free: dict[str, list[int]] = {}
    query = sa.select(of.task_id, of.slot).where(of.state == "free").order_by(of.task_id, of.slot)
    for task_id, slot in connection.execute(query):
        if task_id in task_ids:
            free.setdefault(task_id, []).append(slot)
    places = [
        {"of_task": task_id, "of_slot": slot, "by": worker, "at": at}
        for task_id, given in _answered_elsewhere(connection, list(free)).items()
        for slot, (worker, at) in zip(free[task_id], given, strict=False)
    ]
    if places:
        here = of.task_id == sa.bindparam("of_task"), of.slot == sa.bindparam("of_slot")
        done = {"state": "done", "worker": sa.bindparam("by"), "submitted_at": sa.bindparam("at")}
        connection.execute(sa.update(slots).where(*here).values(done), places)
    return len(places)


def later(at: str, by: timedelta) -> str:
    """Return a time so much later, as the tables hold it."""
    return (datetime.fromisoformat(at) + by).isoformat(timespec="microseconds")


_EXPIRED = "expired leases"
_STAMP = 14
"""Hexadecimal digits of a time in microseconds; the rest of a lease is its signature."""


def _signed(together: Together, worker: str, task_id: str, at: str) -> str:
    stamp = round(datetime.fromisoformat(at).timestamp() * 1_000_000)
    return _sealed(together, worker, task_id, f"{stamp:0{_STAMP}x}")


def _sealed(together: Together, worker: str, task_id: str, stamp: str) -> str:
    key, text = together.project.salt.encode(), f"lease:{stamp}:{worker}:{task_id}"
    return stamp + hmac.digest(key, text.encode(), sha256).hex()[: 32 - _STAMP]


class _Place(NamedTuple):
    """A place for a worker: one that they hold, or a free one, which has no lease."""

    slot: int
    task_id: str
    class_key: str
    lease: str
    leased_at: str
    expires_at: str


def _find(together: Together, worker: str, besides: Collection[str] = ()) -> _Place | None:
    wanted, after = together.spec.tasks.answers, ""
    while True:
        cursor = _NEXT.run(together.connection, by=worker, wanted=wanted, after=after)
        rows = [_Place(*row[1:]) for row in cursor.fetchall()]
        for place in rows:
            if place.class_key in together.spec.by_key and (
                place.lease or place.task_id not in besides
            ):
                return place
        free = [place.task_id for place in rows if not place.lease]
        if not free:
            return None
        after = free[0]


def _answered_elsewhere(
    connection: sa.Connection, task_ids: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """Worker and time of answers to tasks that have no place yet."""
    given = answers.c
    placed = sa.exists().where(slots.c.task_id == given.task_id, slots.c.worker == given.worker)
    query = sa.select(given.task_id, given.worker, sa.func.max(given.submitted_at))
    query = query.where(given.task_id.in_(task_ids), ~placed)
    out: dict[str, list[tuple[str, str]]] = {}
    for task_id, worker, at in connection.execute(query.group_by(given.task_id, given.worker)):
        out.setdefault(task_id, []).append((worker, at))
    return out


_FREE = {"state": "free", "worker": None, "lease": "", "leased_at": "", "expires_at": ""}


def _expire(_dialect: str) -> sa.Update:
    # A lease from the future was given before the clock was put back.
    over = sa.or_(
        slots.c.expires_at <= sa.bindparam("at"), slots.c.leased_at > sa.bindparam("soon")
    )
    return sa.update(slots).where(slots.c.state == "leased", over).values(_FREE)


def _lease(_dialect: str) -> sa.Update:
    place = slots.c.task_id == sa.bindparam("of_task"), slots.c.slot == sa.bindparam("of_slot")
    return (
        sa.update(slots)
        .where(*place, slots.c.state == "free")
        .values(
            state="leased", worker=sa.bindparam("by"), lease=sa.bindparam("shown"),
            leased_at=sa.bindparam("at"), expires_at=sa.bindparam("until"),
        )
    )  # fmt: skip


def _next(_dialect: str) -> sa.CompoundSelect[Any]:
    """Places that a worker holds, and then the next free one.

    What must hold is looked up place by place, in the order of the places, until one will do: as
    counts rather than joins, for which PostgreSQL likes to read whole tables that it knows little of.
    """
    by: sa.BindParameter[str] = sa.bindparam("by")
    other, task = slots.alias(), tasks.c.task_id == slots.c.task_id
    count = sa.select(sa.func.count()).select_from
    class_key = sa.select(tasks.c.class_key).where(task).scalar_subquery()
    status = sa.select(tasks.c.status).where(task).scalar_subquery()
    items = task_items.join(exclusions, exclusions.c.item_id == task_items.c.item_id)
    taken_down = count(items).where(
        task_items.c.task_id == slots.c.task_id, exclusions.c.kind == "takedown"
    )
    query = sa.select(
        sa.case((slots.c.state == "free", 1), else_=0).label("rank"),
        slots.c.slot, slots.c.task_id, class_key.label("class_key"),
        slots.c.lease, slots.c.leased_at, slots.c.expires_at,
    ).where(status == "open", taken_down.scalar_subquery() == 0)  # fmt: skip
    held = query.where(slots.c.worker == by, slots.c.state == "leased")
    here = other.c.task_id == slots.c.task_id
    mine = count(other).where(here, other.c.worker == by).scalar_subquery()
    # The spec may want fewer answers than it did when the places were made.
    used = count(other).where(here, other.c.state != "free").scalar_subquery()
    free = query.where(slots.c.state == "free", slots.c.task_id > sa.bindparam("after"))
    free = free.where(mine == 0, used < sa.bindparam("wanted"))
    free = free.order_by(slots.c.task_id, slots.c.slot).limit(1)
    both = sa.union_all(sa.select(held.subquery()), sa.select(free.subquery()))
    return both.order_by("rank", "task_id")


_EXPIRE, _LEASE, _NEXT = Prepared(_expire), Prepared(_lease), Prepared(_next)
