"""Answers from the browser: what a worker has ticked becomes answers, once and all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from freshset.core.errors import ConflictError, DataError, FreshsetError, NotFoundError
from freshset.replication.databases import Prepared, pipelined, rows_given
from freshset.replication.labelling.progress import OPEN_TASKS
from freshset.replication.labelling.slots import is_over, leased_at
from freshset.replication.labelling.task_images import ask_tokens, shown_tokens
from freshset.replication.project import Together, now
from freshset.replication.tables import answers, drafts, slots, task_items, tasks

SOURCE = "web"
"""What these answers are called beside the formats of files."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a worker answers.

    Attributes
    ----------
    worker, task_id
        Who answers which task.
    lease
        See `freshset.replication.labelling.slots.allocate`.
    chosen
        Tokens of the images that show the class; all others do not.
    """

    worker: str
    task_id: str
    lease: str
    chosen: Sequence[str]


def accept(together: Together, given: Sequence[Submission]) -> list[bool | FreshsetError]:
    """Take workers' answers to all images of their tasks.

    Each is taken or refused by itself, in their order.  The same again changes nothing.  A lease that
    has expired does as long as the task has a place left.  A task is closed when it has all the
    answers that are wanted.

    Returns
    -------
    list
        For each whether the worker had submitted just this before, or else why it is refused: a
        `NotFoundError` when there is no such task; a `ConflictError` when the worker was not given
        the task or has answered otherwise before, or the lease has expired and others have taken all
        places; a `DataError` when an image is not of the task.
    """
    out: list[bool | FreshsetError] = []
    part: dict[str, Submission] = {}
    for one in given:
        if one.worker in part:  # which may depend on the one before
            out += _accept(together, list(part.values()))
            part = {}
        part[one.worker] = one
    return out + _accept(together, list(part.values()))


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
    """A place of a task."""

    slot: int
    state: str
    worker: str | None
    leased_at: str
    expires_at: str


@dataclass(slots=True)
class _Task:
    """A task that is answered; all that changes it is noted here before it is written."""

    task_id: str
    class_key: str
    status: str
    tokens: frozenset[str]
    places: list[_Place] = field(default_factory=list)


def _accept(together: Together, given: Sequence[Submission]) -> list[bool | FreshsetError]:
    """Take answers of different workers."""
    if not given:
        return []
    known = _read_tasks(together.connection, {one.task_id for one in given})
    out: list[bool | FreshsetError] = []
    rows, closed, at = [], [], now()
    for one in given:
        try:
            row = _judge(together, known, one, at)
        except FreshsetError as error:
            out.append(error)
            continue
        out.append(row is None)
        if row is None:
            continue
        task = known[one.task_id]
        done = sum(place.state == "done" for place in task.places)
        closes = task.status == "open" and done >= together.spec.tasks.answers
        if closes:
            task.status = "closed"
            closed.append({"task_id": one.task_id})
        rows.append(row)
        together.note(
            "answers.submit", who=one.worker, why="Labelled in the browser", subject=one.task_id,
            at=at, detail={"selected": len(set(one.chosen)), "closed": closes},
        )  # fmt: skip
    if rows:
        with pipelined(together.connection):
            for statement in (_INSERT, _DONE, _FORGET):
                statement.run_for(together.connection, rows)
            if closed:
                _CLOSE.run_for(together.connection, closed)
                together.memo.pop(OPEN_TASKS, None)
    return out


def _read_tasks(connection: sa.Connection, task_ids: set[str]) -> dict[str, _Task]:
    with pipelined(connection):
        tokens = ask_tokens(connection, task_ids)
        cursor = _PLACES.run_for(connection, [{"task_id": one} for one in task_ids])
        shown, out = tokens(), dict[str, _Task]()
        for task_id, class_key, status, *place in cursor.fetchall():
            if task_id not in out:
                out[task_id] = _Task(task_id, class_key, status, frozenset(shown.get(task_id, ())))
            out[task_id].places.append(_Place(*place))
    return out


def _judge(
    together: Together, known: Mapping[str, _Task], one: Submission, at: str
) -> dict[str, Any] | None:
    """What to write of a submission, and note that its place is taken; ``None`` when it came before."""
    given = leased_at(together, one.worker, one.task_id, one.lease)
    task = known.get(one.task_id)
    if task is None:
        raise NotFoundError("There is no such task.")
    if any(place.worker == one.worker and place.state == "done" for place in task.places):
        _check_same(together.connection, one.worker, one.task_id, one.chosen)
        return None
    if not task.tokens.issuperset(one.chosen):
        raise DataError("An image is not of this task.", "Load the page again.")
    place = _choose(task, one.worker, at)
    done = _Place(place.slot, "done", one.worker, given, place.expires_at)
    task.places[task.places.index(place)] = done
    return {
        "worker": one.worker, "task_id": one.task_id, "class_key": task.class_key,
        "slot": place.slot, "given": given, "at": at, "lease": one.lease,
        "ticked": "|".join(one.chosen),
    }  # fmt: skip


def _choose(task: _Task, worker: str, at: str) -> _Place:
    """The worker's own place, or one that is free."""
    free = []
    for place in task.places:
        if place.worker == worker:
            return place
        over = place.state == "leased" and is_over(at, place.leased_at, place.expires_at)
        if task.status == "open" and (place.state == "free" or over):
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


def _rows(dialect: str) -> sa.FromClause:
    names = ("worker", "task_id", "class_key", "given", "at", "lease", "ticked")
    return rows_given(dialect, slot=sa.Integer, **dict.fromkeys(names, sa.String))


def _insert(dialect: str) -> sa.Executable:
    """An answer for each image of a grid; a worker's first about an image and class counts."""
    new = _rows(dialect)
    insert = sqlite.insert(answers) if dialect == "sqlite" else postgresql.insert(answers)
    position = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    values: dict[str, Any] = {
        "worker": new.c.worker, "item_id": task_items.c.item_id, "class_key": new.c.class_key,
        "task_id": new.c.task_id,
        "selected": sa.case((position(new.c.ticked, task_items.c.token) > 0, 1.0), else_=0.0),
        "accepted_at": new.c.given, "submitted_at": new.c.at, "assignment_id": new.c.lease,
        "source": sa.literal(SOURCE),
    }  # fmt: skip
    query = sa.select(*(sa.cast(value, answers.c[name].type) for name, value in values.items()))
    query = query.join_from(new, task_items, task_items.c.task_id == new.c.task_id)
    return insert.on_conflict_do_nothing().from_select(list(values), query)


def _places(dialect: str) -> sa.Select[Any]:
    asked = rows_given(dialect, task_id=sa.String)
    query = sa.select(
        slots.c.task_id, tasks.c.class_key, tasks.c.status,
        slots.c.slot, slots.c.state, slots.c.worker, slots.c.leased_at, slots.c.expires_at,
    )  # fmt: skip
    return query.join_from(asked, slots, slots.c.task_id == asked.c.task_id).join(tasks)


def _done(dialect: str) -> sa.Update:
    new = _rows(dialect)
    place = slots.c.task_id == new.c.task_id, slots.c.slot == new.c.slot
    return sa.update(slots).where(*place).values(
        state="done", worker=new.c.worker, lease=new.c.lease, leased_at=new.c.given,
        submitted_at=new.c.at,
    )  # fmt: skip


def _forget(dialect: str) -> sa.Delete:
    new = _rows(dialect)
    own = sa.select(new.c.task_id, new.c.worker)
    return sa.delete(drafts).where(sa.tuple_(drafts.c.task_id, drafts.c.worker).in_(own))


def _close(dialect: str) -> sa.Update:
    done = sa.select(rows_given(dialect, task_id=sa.String).c.task_id)
    return sa.update(tasks).where(tasks.c.task_id.in_(done)).values(status="closed")


_INSERT, _PLACES, _DONE, _FORGET, _CLOSE = map(Prepared, (_insert, _places, _done, _forget, _close))
