"""How far a worker has come."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from freshset.replication.databases import Prepared
from freshset.replication.project import Together
from freshset.replication.tables import slots, tasks

RECENT = 15
"""Tasks whose time counts, the last ones."""

OPEN_TASKS = "open tasks"
"""Where a transaction remembers how many there are; whoever closes one makes it forget."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a worker has come.

    Attributes
    ----------
    done
        Tasks that the worker has answered.
    left
        Open tasks that the worker has not answered; the one at hand is among them.
    seconds_per_task
        Median of the last ones, ``None`` before the first.
    """

    done: int
    left: int
    seconds_per_task: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_progress(together: Together, worker: str) -> Progress:
    """Count what a worker has done, and what is left."""
    return ask_progress(together, worker)()


def ask_progress(together: Together, worker: str) -> Callable[[], Progress]:
    """Ask for `read_progress`, and return what waits for it."""
    connection, memo = together.connection, together.memo
    every = None if OPEN_TASKS in memo else _OPEN.run(connection)
    cursor = _LAST.run(connection, by=worker)

    def wait() -> Progress:
        if every is not None:
            memo[OPEN_TASKS] = int(every.fetchone()[0])
        last = cursor.fetchall()
        done, open_ = last[0][2:] if last else (0, 0)
        # Places filled by answers from a file, and clocks that were put back, tell no time.
        took = [
            seconds
            for begun, ended, *_ in last
            if begun and (seconds := _seconds(begun, ended)) > 0
        ]
        left = memo[OPEN_TASKS] - int(open_)
        return Progress(int(done), left, statistics.median(took) if took else None)

    return wait


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def _last(_dialect: str) -> sa.Select[Any]:
    """Times of the last tasks of a worker, with the number of all, and of those still open."""
    open_ = sa.case((tasks.c.status == "open", 1), else_=0)
    query = sa.select(
        slots.c.leased_at, slots.c.submitted_at, sa.func.count().over(), sa.func.sum(open_).over()
    ).join_from(slots, tasks)
    query = query.where(slots.c.worker == sa.bindparam("by"), slots.c.state == "done")
    return query.order_by(slots.c.submitted_at.desc()).limit(RECENT)


_LAST = Prepared(_last)
_OPEN = Prepared(lambda _: sa.select(sa.func.count()).where(tasks.c.status == "open"))
