"""Who is asked about which task: each has places for as many workers as answers are wanted.

A worker holds a place for a limited time, by a lease.  The lease is signed, so that it proves by
itself to whom, for which task and when it was given, also after its place has gone to somebody else.
All here happens in transactions of which only one writes at a time, so that no two workers can be
given one place; the keys of the table ``slots`` refuse it too.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import ConflictError
from freshset.replication.databases import Prepared, rows_given
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


@dataclass(frozen=True, slots=True)
class Wish:
    """A worker who wants a task.

    Attributes
    ----------
    worker
        Who.
    later_on
        Ids of tasks that the worker gave back, which come again when no other is left.
    """

    worker: str
    later_on: Collection[str] = ()


def allocate(together: Together, wishes: Sequence[Wish]) -> list[Lease | None]:
    """Give each worker a task: the one they hold, or else the next; ``None`` when nothing is left.

    Tasks come in the order of their ids, which are random and so tell nothing, and those begun are
    finished first.  Nobody is asked about a task twice, nor about one whose class the spec no longer
    has or an image of which was taken down.
    """
    if _EXPIRED not in together.memo:
        at = together.memo[_EXPIRED] = now()
        _EXPIRE.run(together.connection, at=at, soon=later(at, SLACK))
    besides: dict[str, Collection[str]] = {}
    for wish in wishes:  # who wishes twice holds a task the second time
        besides.setdefault(wish.worker, wish.later_on)
    found = _held(together, besides)
    _lease_free(together, found, besides)
    while len(found) < len(besides) and open_tasks(together):
        _lease_free(together, found, besides)
    if len(found) < len(besides):
        _lease_free(together, found, dict.fromkeys(besides, ()))
    return [found.get(wish.worker) for wish in wishes]


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


@dataclass(slots=True)
class _Open:
    """A task with free places, and the workers who have the others."""

    task_id: str
    class_key: str
    free: list[int]
    workers: set[str]


def _held(together: Together, workers: Iterable[str]) -> dict[str, Lease]:
    """The first task of each worker who holds one."""
    out: dict[str, Lease] = {}
    cursor = _HELD.run_for(together.connection, [{"worker": one} for one in workers])
    for worker, *row in cursor.fetchall():
        lease = Lease(*row)
        if lease.class_key in together.spec.by_key:
            out.setdefault(worker, lease)
    return out


def _lease_free(
    together: Together, found: dict[str, Lease], besides: Mapping[str, Collection[str]]
) -> None:
    """Lease free places to the workers who have none, to each the first that they may have."""
    wanted, after = together.spec.tasks.answers, ""
    while missing := [worker for worker in besides if worker not in found]:
        page = _read_page(together, missing, after)
        if not page:
            return
        after, rows = page[-1].task_id, []
        page = [task for task in page if task.class_key in together.spec.by_key]
        for worker in missing:
            for task in page:
                if worker in task.workers or task.task_id in besides[worker]:
                    continue
                # The spec may want fewer answers than it did when the places were made.
                if task.free and len(task.workers) < wanted:
                    found[worker] = lease = _new(together, worker, task)
                    rows.append(lease.to_dict() | {"worker": worker, "slot": task.free.pop(0)})
                    task.workers.add(worker)
                    break
        if rows:
            _LEASE.run_for(together.connection, rows)


def _read_page(together: Together, workers: Sequence[str], after: str) -> list[_Open]:
    """The next tasks with free places that at least one of some workers may have."""
    wanted = together.spec.tasks.answers
    cursor = _NEXT.run_for(
        together.connection, [{"worker": worker} for worker in workers], count=len(workers),
        wanted=wanted, after=after, most=2 + 2 * len(workers) // wanted,
    )  # fmt: skip
    out: dict[str, _Open] = {}
    for task_id, class_key, slot, state, worker in cursor.fetchall():
        task = out.setdefault(task_id, _Open(task_id, class_key, [], set()))
        if state == "free":
            task.free.append(slot)
        else:
            task.workers.add(worker)
    return list(out.values())


def _new(together: Together, worker: str, task: _Open) -> Lease:
    at = now()
    proof = _signed(together, worker, task.task_id, at)
    expires = later(at, timedelta(seconds=together.spec.tasks.seconds))
    return Lease(task.task_id, task.class_key, proof, at, expires)


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


def _lease(dialect: str) -> sa.Update:
    texts = dict.fromkeys(("task_id", "worker", "lease", "leased_at", "expires_at"), sa.String)
    new = rows_given(dialect, slot=sa.Integer, **texts)
    place = slots.c.task_id == new.c.task_id, slots.c.slot == new.c.slot
    values = {name: new.c[name] for name in ("worker", "lease", "leased_at", "expires_at")}
    return sa.update(slots).where(*place, slots.c.state == "free").values(state="leased", **values)


def _may_be_shown(task_id: sa.ColumnElement[str]) -> tuple[sa.ColumnElement[bool], ...]:
    """Whether a task is open and all of its images are there.

    As counts rather than joins, for which PostgreSQL likes to read whole tables that it knows little
    of.
    """
    status = sa.select(tasks.c.status).where(tasks.c.task_id == task_id).scalar_subquery()
    items = task_items.join(exclusions, exclusions.c.item_id == task_items.c.item_id)
    taken_down = sa.select(sa.func.count()).select_from(items).where(
        task_items.c.task_id == task_id, exclusions.c.kind == "takedown"
    )  # fmt: skip
    return status == "open", taken_down.scalar_subquery() == 0


def _held_by(dialect: str) -> sa.Select[Any]:
    asked = rows_given(dialect, worker=sa.String)
    query = sa.select(
        slots.c.worker, slots.c.task_id, _class_key(slots.c.task_id), slots.c.lease,
        slots.c.leased_at, slots.c.expires_at,
    ).join_from(asked, slots, slots.c.worker == asked.c.worker)  # fmt: skip
    query = query.where(slots.c.state == "leased", *_may_be_shown(slots.c.task_id))
    return query.order_by(slots.c.task_id)


def _next(dialect: str) -> sa.Select[Any]:
    """All places of the next tasks; what must hold is looked up task by task until enough will do."""
    asked, here = rows_given(dialect, worker=sa.String), slots.alias()
    theirs = sa.select(sa.func.count()).where(here.c.task_id == slots.c.task_id)
    some = theirs.where(here.c.worker.in_(sa.select(asked.c.worker))).scalar_subquery()
    used = theirs.where(here.c.state != "free").scalar_subquery()
    free = sa.select(slots.c.task_id, _class_key(slots.c.task_id).label("class_key"))
    free = free.where(slots.c.state == "free", slots.c.task_id > sa.bindparam("after"))
    free = free.group_by(slots.c.task_id).having(
        sa.and_(
            *_may_be_shown(slots.c.task_id), some < sa.bindparam("count"),
            used < sa.bindparam("wanted"),
        )
    )  # fmt: skip
    page = free.order_by(slots.c.task_id).limit(sa.bindparam("most")).subquery("page")
    place = slots.alias("place")
    query = sa.select(page, place.c.slot, place.c.state, place.c.worker)
    query = query.join_from(page, place, place.c.task_id == page.c.task_id)
    return query.order_by(place.c.task_id, place.c.slot)


def _class_key(task_id: sa.ColumnElement[str]) -> sa.ScalarSelect[str]:
    return sa.select(tasks.c.class_key).where(tasks.c.task_id == task_id).scalar_subquery()


_EXPIRE, _LEASE, _HELD, _NEXT = map(Prepared, (_expire, _lease, _held_by, _next))
