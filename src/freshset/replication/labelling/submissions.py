"""Answers from the browser: what a worker has ticked becomes answers, once and all together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from freshset.core.errors import ConflictError, DataError, NotFoundError
from freshset.replication.databases import Prepared, pipelined
from freshset.replication.labelling.progress import OPEN_TASKS
from freshset.replication.labelling.slots import is_over, leased_at
from freshset.replication.labelling.task_images import shown_tokens
from freshset.replication.project import Together, now
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
    connection, given = together.connection, leased_at(together, worker, task_id, lease)
    ticked = "|".join(chosen)
    rows = _PLACES.run(connection, of_task=task_id, ticked=ticked).fetchall()
    places = [_Place(*row) for row in rows]
    if not places:
        raise NotFoundError("There is no such task.")
    if any(place.worker == worker and place.state == "done" for place in places):
        _check_same(connection, worker, task_id, chosen)
        return True
    if places[0].known != len(set(chosen)):
        raise DataError("An image is not of this task.", "Load the page again.")
    place = _choose(places, worker, now())
    why, wanted = "Labelled in the browser", together.spec.tasks.answers
    with (
        pipelined(connection),
        together.change("answers.submit", who=worker, why=why, subject=task_id) as change,
    ):
        _INSERT.run(
            connection, by=worker, of_task=task_id, of_class=place.class_key, given=given,
            at=change.at, shown=lease, ticked=ticked,
        )  # fmt: skip
        _DONE.run(
            connection, by=worker, of_task=task_id, of_slot=place.slot, given=given, at=change.at,
            shown=lease,
        )  # fmt: skip
        _FORGET.run(connection, by=worker, of_task=task_id)
        done = 1 + sum(other.state == "done" for other in places)
        closed = place.status == "open" and done >= wanted
        if closed:
            _CLOSE.run(connection, of_task=task_id)
            together.memo.pop(OPEN_TASKS, None)
        change.detail |= {"selected": place.known, "closed": closed}
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


class _Place(NamedTuple):
    """A place of a task, with what is known of the task; ``known`` counts the chosen images it has."""

    slot: int
    state: str
    worker: str | None
    leased_at: str
    expires_at: str
    class_key: str
    status: str
    known: int


def _choose(places: Sequence[_Place], worker: str, at: str) -> _Place:
    """The worker's own place, or one that is free."""
    free = []
    for place in places:
        if place.worker == worker:
            return place
        over = place.state == "leased" and is_over(at, place.leased_at, place.expires_at)
        if place.status == "open" and (place.state == "free" or over):
            free.append(place)
    if not free:
        raise ConflictError(
            "Your time for this task ran out, and others have answered it since.",
            "Go on with the next one.",
        )
    return min(free)


def _check_same(
    connection: sa.Connection, worker: str, task_id: str, chosen: Sequence[str]
) -> None:
    """Refuse an answer that is not the one given before."""
    given, image = answers.c, task_items.c
    same = sa.and_(image.task_id == given.task_id, image.item_id == given.item_id)
    query = sa.select(image.token, given.selected).select_from(answers.join(task_items, same))
    query = query.where(given.task_id == task_id, given.worker == worker)
    if any((token in chosen) != (said == 1) for token, said in connection.execute(query)):
        raise ConflictError(
            "You have answered this task already, otherwise.",
            "The first answer counts; go on with the next task.",
        )


_TICKED = sa.bindparam("ticked", type_=sa.String)
_OF_TASK = sa.bindparam("of_task", type_=sa.String)
_IS_TICKED = _TICKED.contains(task_items.c.token)


def _insert(dialect: str) -> sa.Executable:
    """An answer for each image of a grid; a worker's first about an image and class counts."""
    values: dict[str, Any] = {
        "worker": sa.bindparam("by"), "item_id": task_items.c.item_id,
        "class_key": sa.bindparam("of_class"), "task_id": _OF_TASK,
        "selected": sa.case((_IS_TICKED, 1.0), else_=0.0), "accepted_at": sa.bindparam("given"),
        "submitted_at": sa.bindparam("at"), "assignment_id": sa.bindparam("shown"),
        "source": sa.literal(SOURCE),
    }  # fmt: skip
    query = sa.select(*(sa.cast(value, answers.c[name].type) for name, value in values.items()))
    query = query.where(task_items.c.task_id == _OF_TASK)
    insert = sqlite.insert(answers) if dialect == "sqlite" else postgresql.insert(answers)
    insert = insert.on_conflict_do_nothing()
    return insert.from_select(list(values), query)


def _places(_dialect: str) -> sa.Select[Any]:
    known = sa.select(sa.func.count()).where(task_items.c.task_id == _OF_TASK, _IS_TICKED)
    query = sa.select(
        slots.c.slot, slots.c.state, slots.c.worker, slots.c.leased_at, slots.c.expires_at,
        tasks.c.class_key, tasks.c.status, known.scalar_subquery(),
    )  # fmt: skip
    return query.join_from(slots, tasks).where(slots.c.task_id == _OF_TASK)


def _done(_dialect: str) -> sa.Update:
    place = slots.c.task_id == _OF_TASK, slots.c.slot == sa.bindparam("of_slot")
    values = {"worker": "by", "lease": "shown", "leased_at": "given", "submitted_at": "at"}
    bound: dict[str, Any] = {name: sa.bindparam(value) for name, value in values.items()}
    return sa.update(slots).where(*place).values(state="done", **bound)


def _forget(_dialect: str) -> sa.Delete:
    return sa.delete(drafts).where(
        drafts.c.task_id == _OF_TASK, drafts.c.worker == sa.bindparam("by")
    )


def _close(_dialect: str) -> sa.Update:
    return sa.update(tasks).where(tasks.c.task_id == _OF_TASK).values(status="closed")


_INSERT, _PLACES, _DONE = Prepared(_insert), Prepared(_places), Prepared(_done)
_FORGET, _CLOSE = Prepared(_forget), Prepared(_close)
