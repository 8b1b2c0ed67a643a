"""How much was labelled in the browser: by whom, and how the places of the tasks stand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from freshset.replication.journal import now
from freshset.replication.tables import slots


@dataclass(frozen=True, slots=True)
class Activity:
    """What a worker has done: tasks submitted, and when the last was (UTC)."""

    tasks: int
    last_at: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def activity(connection: sa.Connection) -> dict[str, Activity]:
    """What those who have submitted tasks in the browser did, by the hash of the worker."""
    columns = slots.c
    query = (
        sa.select(columns.worker, sa.func.count(), sa.func.max(columns.submitted_at))
        .where(columns.state == "done")
        .group_by(columns.worker)
    )
    return {str(w): Activity(int(count), str(at)) for w, count, at in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Places:
    """Places in tasks: ``free``, taken by a ``live`` lease, or ``done``."""

    free: int
    live: int
    done: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def count_slots(connection: sa.Connection) -> Places:
    """How the places of all tasks stand; those of expired leases are free."""
    columns = slots.c
    live = sa.func.sum(sa.case((columns.expires_at > now(), 1), else_=0))
    query = sa.select(columns.state, sa.func.count(), live).group_by(columns.state)
    found = {state: (int(count), int(alive)) for state, count, alive in connection.execute(query)}
    leased, alive = found.get("leased", (0, 0))
    free = found.get("free", (0, 0))[0] + leased - alive
    return Places(free=free, live=alive, done=found.get("done", (0, 0))[0])
