"""Answers from the browser: what a worker has ticked becomes answers, once and all together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from freshset.core.errors import ConflictError, DataError, NotFoundError
from freshset.replication.labelling.slots import SLACK, later, leased_at
from freshset.replication.labelling.task_images import shown_tokens
from freshset.replication.project import Change, Together
from freshset.replication.tables import answers, drafts, slots, task_items, tasks

SOURCE = "web"
"""What these answers are called beside the formats of files."""


def submit(
    together: Together, worker: str, task_id: str, *, lease: str, chosen: Sequence[str]
) -> bool:
    """Take a worker's answers to all images of a task.

    The same again changes nothing.  A lease that has expired does as long as the task has a place
    left.  The task is closed when it has all the answers that are wanted.

    Parameters
    ----------
    lease
        See `freshset.replication.labelling.slots.take`.
    chosen
        Tokens of the images that show the class; all others do not.

    Returns
    -------
    bool
        Whether this worker had submitted just this before.

    Raises
    ------
    NotFoundError
        When there is no such task.
    ConflictError
        When the worker was not given the task or has answered otherwise before, or the lease has
        expired and others have taken all places.
    DataError
        When an image is not of the task.
    """
    given = leased_at(together, worker, task_id, lease)
    if is_done(together.connection, worker, task_id):
        said = _said_before(together.connection, worker, task_id)
        if any((token in chosen) != selected for token, selected in said.items()):
            raise ConflictError(
                "You have answered this task already, otherwise.",
                "The first answer counts; go on with the next task.",
            )
        return True
    why = "Labelled in the browser"
    with together.change("answers.submit", who=worker, why=why, subject=task_id) as change:
        check_tokens(change.connection, task_id, chosen)
        class_key = _class_of(change.connection, task_id)
        slot = _place(change, worker, task_id)
        kept = _store(change, (task_id, class_key, lease, given), chosen)
        values = {"state": "done", "worker": worker, "lease": lease, "leased_at": given}
        values["submitted_at"] = change.at
        here = sa.and_(slots.c.task_id == task_id, slots.c.slot == slot)
        change.connection.execute(sa.update(slots).where(here).values(values))
        closed = _close(change.connection, task_id, together.spec.tasks.answers)
        mine = sa.true() if closed else drafts.c.worker == worker
        change.connection.execute(sa.delete(drafts).where(drafts.c.task_id == task_id, mine))
        change.detail |= {"selected": len(set(chosen)), "answers": kept, "closed": closed}
    return False


def is_done(connection: sa.Connection, worker: str, task_id: str) -> bool:
    """Whether a worker has answered a task."""
    query = sa.select(slots.c.slot).where(slots.c.task_id == task_id, slots.c.worker == worker)
    return connection.execute(query.where(slots.c.state == "done")).first() is not None


def check_tokens(connection: sa.Connection, task_id: str, chosen: Sequence[str]) -> None:
    """Refuse images that a task does not show.

    Raises
    ------
    DataError
        When there is one.
    """
    if not set(chosen) <= set(shown_tokens(connection, task_id)):
        raise DataError("An image is not of this task.", "Load the page again.")


def _class_of(connection: sa.Connection, task_id: str) -> str:
    query = sa.select(tasks.c.class_key).where(tasks.c.task_id == task_id)
    class_key = connection.execute(query).scalar()
    if class_key is None:
        raise NotFoundError("There is no such task.")
    return str(class_key)


def _place(change: Change, worker: str, task_id: str) -> int:
    """The worker's own place, or one that is free."""
    place, at = slots.c, change.at
    over = sa.or_(place.expires_at <= at, place.leased_at > later(at, SLACK))
    free = sa.or_(place.state == "free", sa.and_(place.state == "leased", over))
    own = place.worker == worker
    query = sa.select(place.slot, own.label("own"), tasks.c.status).join(tasks)
    query = query.where(place.task_id == task_id, sa.or_(own, free))
    rows = change.connection.execute(query).all()
    mine = [row.slot for row in rows if row.own]
    left = [row.slot for row in rows if row.status == "open"]
    if not mine and not left:
        raise ConflictError(
            "Your time for this task ran out, and others have answered it since.",
            "Go on with the next one.",
        )
    return int(mine[0] if mine else min(left))


def _store(change: Change, of: tuple[str, str, str, str], chosen: Sequence[str]) -> int:
    """Write an answer for each image of the grid; returns how many were new."""
    task_id, class_key, lease, given = of
    value = sa.literal
    query = sa.select(
        value(change.who), task_items.c.item_id, value(class_key), value(task_id),
        sa.case((task_items.c.token.in_(list(chosen)), 1.0), else_=0.0),
        value(given), value(change.at), value(lease), value(SOURCE),
    ).where(task_items.c.task_id == task_id)  # fmt: skip
    names = [
        "worker", "item_id", "class_key", "task_id", "selected", "accepted_at", "submitted_at",
        "assignment_id", "source",
    ]  # fmt: skip
    dialects: dict[str, Any] = {"sqlite": sqlite, "postgresql": postgresql}
    insert = dialects[change.connection.dialect.name].insert(answers).from_select(names, query)
    # A worker's first answer about an image and class counts.
    return int(change.connection.execute(insert.on_conflict_do_nothing()).rowcount)


def _close(connection: sa.Connection, task_id: str, wanted: int) -> bool:
    done = sa.select(sa.func.count()).where(slots.c.task_id == task_id, slots.c.state == "done")
    if int(connection.execute(done).scalar_one()) < wanted:
        return False
    query = sa.update(tasks).where(tasks.c.task_id == task_id, tasks.c.status == "open")
    return bool(connection.execute(query.values(status="closed")).rowcount)


def _said_before(connection: sa.Connection, worker: str, task_id: str) -> dict[str, bool]:
    """Token of each image that a worker's answers to a task are about, and whether it was chosen."""
    given, image = answers.c, task_items.c
    same = sa.and_(image.task_id == given.task_id, image.item_id == given.item_id)
    query = sa.select(image.token, given.selected).select_from(answers.join(task_items, same))
    query = query.where(given.task_id == task_id, given.worker == worker)
    return {token: selected == 1 for token, selected in connection.execute(query)}
