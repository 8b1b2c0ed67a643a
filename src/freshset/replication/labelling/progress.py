"""How far a worker has come."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from freshset.replication.databases import Prepared, rows_given
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
    return ask_progress(together, [worker])()[worker]


def ask_progress(together: Together, workers: Collection[str]) -> Callable[[], dict[str, Progress]]:
    """Ask for `read_progress` of several workers, and return what waits for them."""
    connection, memo = together.connection, together.memo
    every = None if OPEN_TASKS in memo else _OPEN.run(connection)
    cursor = _LAST.run_for(connection, [{"worker": worker} for worker in set(workers)])

    def wait() -> dict[str, Progress]:
        if every is not None:
            memo[OPEN_TASKS] = int(every.fetchone()[0])
        last: dict[str, list[tuple[Any, ...]]] = {worker: [] for worker in workers}
        for worker, *row in cursor.fetchall():
            last[worker].append(tuple(row))
        return {worker: _progress(rows, memo[OPEN_TASKS]) for worker, rows in last.items()}

    return wait


def _progress(last: Sequence[tuple[Any, ...]], every: int) -> Progress:
    done, open_ = last[0][2:] if last else (0, 0)
    # Places filled by answers from a file, and clocks that were put back, tell no time.
    took = [
        seconds for begun, ended, *_ in last if begun and (seconds := _seconds(begun, ended)) > 0
    ]
    return Progress(int(done), every - int(open_), statistics.median(took) if took else None)


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def _last(dialect: str) -> sa.Select[Any]:
    """Times of the last tasks of workers, with the number of all, and of those still open."""
    asked = rows_given(dialect, worker=sa.String)
    open_ = sa.case((tasks.c.status == "open", 1), else_=0)
    own, latest = slots.c.worker, slots.c.submitted_at.desc()
    newest = sa.func.row_number().over(partition_by=own, order_by=latest)
    query = sa.select(
        slots.c.worker, slots.c.leased_at, slots.c.submitted_at, sa.func.count().over(partition_by=own),
        sa.func.sum(open_).over(partition_by=own), newest.label("newest"),
    )  # fmt: skip
    query = query.join_from(asked, slots, slots.c.worker == asked.c.worker).join(tasks)
    found = query.where(slots.c.state == "done").subquery()
    return sa.select(*list(found.c)[:-1]).where(found.c.newest <= RECENT)


_LAST = Prepared(_last)
_OPEN = Prepared(lambda _: sa.select(sa.func.count()).where(tasks.c.status == "open"))
