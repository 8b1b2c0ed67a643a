"""Where labelling stands, from counts that stay quick with a million answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from freshset.replication.spec import Spec
from freshset.replication.tables import answers, slots, task_items, tasks

SCHEMA = "freshset.labelling-standing/1"
_MINUTE = len("2026-01-31T12:00")
_DAYS = 2


@dataclass(frozen=True, slots=True)
class ClassStanding:
    """One class.

    Attributes
    ----------
    key, title
        Of the class.
    tasks, closed
        All tasks that ask for it, and those that need no more answers.
    done
        Times that a worker has submitted one of them in the browser.
    left
        Times that one must still be submitted, until each task has as many answers as the spec says.
    share
        Of all that it takes, how much is done; a closed task counts as done whoever answered it.
    """

    key: str
    title: str
    tasks: int
    closed: int
    done: int
    left: int
    share: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A whole project.

    Attributes
    ----------
    at
        When it was so, UTC.
    answers
        All answers, one an image, class and worker.
    tasks
        Number of tasks by status.
    done, left
        As of the classes, together.
    classes
        Those that have tasks, in the order of the spec.
    by_minute
        Submitted tasks in the browser, and their images, by the minute of the last two days in which
        there were any: ``2026-01-31T12:00`` to tasks and images.
    """

    at: str
    answers: int
    tasks: Mapping[str, int]
    done: int
    left: int
    classes: tuple[ClassStanding, ...]
    by_minute: Mapping[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema `SCHEMA`."""
        return {"schema": SCHEMA} | asdict(self)

    def series(self, at: str, *, steps: int, minutes: int) -> tuple[tuple[int, int], ...]:
        """Submitted tasks and their images by step of so many minutes, the last one being that of `at`.

        Parameters
        ----------
        at
            UTC.
        steps
            How many there are; together at most two days.
        """
        last = datetime.fromisoformat(at).astimezone(UTC).replace(second=0, microsecond=0)
        out = [(0, 0)] * steps
        for minute, (submitted, images) in self.by_minute.items():
            ago = last - datetime.fromisoformat(minute).replace(tzinfo=UTC)
            step = int(ago / timedelta(minutes=minutes))
            if timedelta(0) <= ago and step < steps:
                before = out[steps - 1 - step]
                out[steps - 1 - step] = (before[0] + submitted, before[1] + images)
        return tuple(out)


@dataclass(frozen=True, slots=True)
class AtWork:
    """Who labels now: ``workers`` who hold a task, and ``tasks`` that are held."""

    workers: int
    tasks: int


def read_standing(connection: sa.Connection, spec: Spec, at: str) -> Standing:
    """Count where labelling stands at a time, UTC."""
    states = _by(connection, tasks.c.class_key, tasks.c.status)
    placed = tasks.join(slots, slots.c.task_id == tasks.c.task_id)
    done = _by(
        connection, tasks.c.class_key, tasks.c.status, source=placed, where=slots.c.state == "done"
    )
    with_tasks = {key for key, _ in states}
    classes = tuple(
        _class_standing(one.key, one.title, spec.tasks.answers, states, done)
        for one in spec.classes
        if one.key in with_tasks
    )
    by_status: Counter[str] = Counter()
    for (_, status), number in states.items():
        by_status[status] += number
    count = sa.select(sa.func.count()).select_from(answers)
    return Standing(
        at,
        int(connection.execute(count).scalar_one()),
        dict(sorted(by_status.items())),
        sum(one.done for one in classes),
        sum(one.left for one in classes),
        classes,
        _by_minute(connection, at),
    )


def read_at_work(connection: sa.Connection, at: str) -> AtWork:
    """Count the leases that run at a time, UTC."""
    of = slots.c
    query = sa.select(sa.func.count(of.worker.distinct()), sa.func.count())
    query = query.where(of.state == "leased", of.expires_at > at)
    workers, held = connection.execute(query).one()
    return AtWork(int(workers), int(held))


def _class_standing(
    key: str, title: str, wanted: int, states: Counter[Any], done: Counter[Any]
) -> ClassStanding:
    rest = states[key, "open"] + states[key, "published"]
    total = rest + states[key, "closed"]
    begun = done[key, "open"] + done[key, "published"]
    left = max(0, rest * wanted - begun)
    return ClassStanding(
        key, title, total, total - rest, begun + done[key, "closed"], left,
        1 - left / (total * wanted),
    )  # fmt: skip


def _by_minute(connection: sa.Connection, at: str) -> dict[str, tuple[int, int]]:
    since = datetime.fromisoformat(at) - timedelta(days=_DAYS)
    of = slots.c
    recent = sa.and_(of.state == "done", of.submitted_at >= since.isoformat())
    minute = sa.func.substr(of.submitted_at, 1, sa.literal_column(str(_MINUTE))).label("minute")
    query = sa.select(of.task_id, minute, sa.func.count()).where(recent)
    rows = connection.execute(query.group_by(of.task_id, minute)).all()
    shown = task_items.c
    sizes = sa.select(shown.task_id, sa.func.count()).group_by(shown.task_id)
    sizes = sizes.where(shown.task_id.in_(sa.select(of.task_id).where(recent)))
    size = {task_id: int(n) for task_id, n in connection.execute(sizes)} if rows else {}
    out: dict[str, tuple[int, int]] = {}
    for task_id, when, number in rows:
        before = out.get(when, (0, 0))
        out[when] = (before[0] + number, before[1] + number * size.get(task_id, 0))
    return dict(sorted(out.items()))


def _by(
    connection: sa.Connection,
    *columns: sa.Column[Any],
    source: sa.FromClause | None = None,
    where: sa.ColumnElement[bool] | None = None,
) -> Counter[Any]:
    query = sa.select(*columns, sa.func.count()).group_by(*columns)
    if source is not None:
        query = query.select_from(source)
    if where is not None:
        query = query.where(where)
    return Counter({tuple(row[:-1]): int(row[-1]) for row in connection.execute(query)})
