"""Who is asked about which task: each has places for as many workers as answers are wanted.

A worker holds a place for a limited time, by a lease.  The lease is signed, so that it proves by
itself to whom, for which task and when it was given, also after its place has gone to somebody else.
All here happens in transactions of which only one writes at a time, so that no two workers can be
given one place; the keys of the table ``slots`` refuse it too.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import ConflictError
from freshset.replication.project import Together
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


def take(together: Together, worker: str) -> Lease | None:
    """Give a worker a task: the one they hold, or else the next; ``None`` when nothing is left.

    Tasks come in the order of their ids, which are random and so tell nothing, and those begun are
    finished first.  Nobody is asked about a task twice, nor about one whose class the spec no longer
    has or an image of which was taken down.
    """
    with together.unlogged(worker) as change:
        _free_expired(change.connection, change.at)
        held = _held(together, worker)
        if held is not None:
            return held
        found = _next(together, worker) or (open_tasks(together) and _next(together, worker))
        if not found:
            return None
        task_id, slot, class_key = found
        lease = Lease(
            task_id, class_key, _signed(together, worker, task_id, change.at), change.at,
            later(change.at, timedelta(seconds=together.spec.tasks.seconds)),
        )  # fmt: skip
        query = sa.update(slots).where(
            slots.c.task_id == task_id, slots.c.slot == slot, slots.c.state == "free"
        )
        values = {"state": "leased", "worker": worker, "lease": lease.lease}
        values |= {"leased_at": lease.leased_at, "expires_at": lease.expires_at}
        done = change.connection.execute(query.values(values))
        assert done.rowcount == 1  # noqa: S101  # nobody else writes meanwhile
    return lease


def give_back(together: Together, worker: str, task_id: str, lease: str) -> None:
    """Give up a place; doing it again changes nothing.

    Raises
    ------
    ConflictError
        When the lease is not this worker's for this task.
    """
    leased_at(together, worker, task_id, lease)
    with together.unlogged(worker) as change:
        own = sa.and_(slots.c.task_id == task_id, slots.c.worker == worker)
        query = sa.update(slots).where(own, slots.c.state == "leased").values(_FREE)
        if change.connection.execute(query).rowcount:
            mine = sa.and_(drafts.c.task_id == task_id, drafts.c.worker == worker)
            change.connection.execute(sa.delete(drafts).where(mine))


def leased_at(together: Together, worker: str, task_id: str, lease: str) -> str:
    """When a lease was given, which it proves itself.

    Raises
    ------
    ConflictError
        When it was not given to this worker for this task.
    """
    try:
        at = datetime.fromtimestamp(int(lease[:_STAMP], 16) / 1_000_000, UTC)
        given = at.isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        given = ""
    # The signature is of the lease's own digits, whatever they are read as.
    expected = _sealed(together, worker, task_id, lease[:_STAMP])
    if not given or not hmac.compare_digest(lease.encode(), expected.encode()):
        raise ConflictError("You were not given this task.", "Load the page again for your task.")
    return given


def open_tasks(together: Together) -> int:
    """Make places for some more open tasks, as many as the spec wants answers; returns for how many.

    Where the spec wants more than it did the tasks get more.  Answers that came from a file fill
    places.
    """
    connection, wanted = together.connection, together.spec.tasks.answers
    last = sa.exists().where(slots.c.task_id == tasks.c.task_id, slots.c.slot == wanted - 1)
    query = sa.select(tasks.c.task_id).where(tasks.c.status == "open", ~last)
    ids = list(connection.execute(query.order_by(tasks.c.task_id).limit(OPENED)).scalars())
    if not ids:
        return 0
    of = slots.c
    have = sa.select(of.task_id, sa.func.count()).where(of.task_id.in_(ids)).group_by(of.task_id)
    first = {task_id: int(count) for task_id, count in connection.execute(have)}
    answered = _answered_elsewhere(connection, ids)
    rows = []
    for task_id in ids:
        there = answered.get(task_id, [])
        for slot in range(first.get(task_id, 0), wanted):
            row = _FREE | {"task_id": task_id, "slot": slot, "submitted_at": ""}
            if there:
                worker, at = there.pop()
                row |= {"state": "done", "worker": worker, "submitted_at": at}
            rows.append(row)
    connection.execute(sa.insert(slots), rows)
    return len(ids)


def later(at: str, by: timedelta) -> str:
    """Return a time so much later, as the tables hold it."""
    return (datetime.fromisoformat(at) + by).isoformat(timespec="microseconds")


_FREE = {"state": "free", "worker": None, "lease": "", "leased_at": "", "expires_at": ""}
_STAMP = 14
"""Hexadecimal digits of a time in microseconds; the rest of a lease is its signature."""


def _signed(together: Together, worker: str, task_id: str, at: str) -> str:
    stamp = round(datetime.fromisoformat(at).timestamp() * 1_000_000)
    return _sealed(together, worker, task_id, f"{stamp:0{_STAMP}x}")


def _sealed(together: Together, worker: str, task_id: str, stamp: str) -> str:
    key, text = together.project.salt.encode(), f"lease:{stamp}:{worker}:{task_id}"
    return stamp + hmac.new(key, text.encode(), sha256).hexdigest()[: 32 - _STAMP]


def _free_expired(connection: sa.Connection, at: str) -> None:
    # A lease from the future was given before the clock was put back.
    over = sa.or_(slots.c.expires_at <= at, slots.c.leased_at > later(at, SLACK))
    query = sa.update(slots).where(slots.c.state == "leased", over).values(_FREE)
    connection.execute(query)


_taken_down = sa.exists().where(
    task_items.c.task_id == slots.c.task_id,
    task_items.c.item_id == exclusions.c.item_id,
    exclusions.c.kind == "takedown",
)
_of_task = sa.select(slots.c.task_id, slots.c.slot, tasks.c.class_key)
_of_task = _of_task.join(tasks, tasks.c.task_id == slots.c.task_id)
_of_task = _of_task.where(tasks.c.status == "open", ~_taken_down).order_by(slots.c.task_id)


def _held(together: Together, worker: str) -> Lease | None:
    query = _of_task.add_columns(slots.c.lease, slots.c.leased_at, slots.c.expires_at)
    query = query.where(slots.c.worker == worker, slots.c.state == "leased")
    for row in together.connection.execute(query):
        if row.class_key in together.spec.by_key:
            return Lease(row.task_id, row.class_key, row.lease, row.leased_at, row.expires_at)
    return None


def _next(together: Together, worker: str) -> tuple[str, int, str] | None:
    """Task, place and class of the next free place for a worker."""
    other = slots.alias()
    mine = sa.exists().where(other.c.task_id == slots.c.task_id, other.c.worker == worker)
    # The spec may want fewer answers than it did when the places were made.
    used = sa.select(sa.func.count()).where(
        other.c.task_id == slots.c.task_id, other.c.state != "free"
    )
    query = _of_task.where(
        slots.c.state == "free", ~mine, used.scalar_subquery() < together.spec.tasks.answers
    )
    query, after = query.order_by(slots.c.slot).limit(1), ""
    while (
        row := together.connection.execute(query.where(slots.c.task_id > after)).first()
    ) is not None:
        task_id, slot, class_key = row
        if class_key in together.spec.by_key:
            return task_id, slot, class_key
        after = task_id
    return None


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
