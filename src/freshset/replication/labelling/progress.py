"""How far a worker has come."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from freshset.replication.tables import slots, tasks

RECENT = 15
"""Tasks whose time counts, the last ones."""


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


def read_progress(connection: sa.Connection, worker: str) -> Progress:
    """Count what a worker has done, and what is left."""
    done = sa.and_(slots.c.worker == worker, slots.c.state == "done")
    count = sa.select(sa.func.count(), sa.func.count(sa.case((tasks.c.status == "open", 1))))
    mine, open_ = connection.execute(count.select_from(slots.join(tasks)).where(done)).one()
    every = sa.select(sa.func.count()).where(tasks.c.status == "open")
    left = connection.execute(every).scalar_one() - open_
    last = sa.select(slots.c.leased_at, slots.c.submitted_at).where(done)
    last = last.order_by(slots.c.submitted_at.desc()).limit(RECENT)
    # Places filled by answers from a file, and clocks that were put back, tell no time.
    took = [
        seconds
        for begun, ended in connection.execute(last)
        if begun and (seconds := _seconds(begun, ended)) > 0
    ]
    return Progress(int(mine), int(left), statistics.median(took) if took else None)


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
