"""Workers one by one: who they are, how good they are at controls, and how long a task takes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from freshset.replication.databases import plain_rows
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.quality import WorkerQuality
from freshset.replication.tables import people, slots

_SECONDS = len("2026-01-31T12:00:00.000000")


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker.

    Attributes
    ----------
    worker
        As answers and the log call them.
    name
        Of somebody who has joined; empty for workers of a crowd.
    answers, controls, right, accuracy, low, high, failed, weight
        See `freshset.replication.labelling.quality.WorkerQuality`; ``None`` is unknown.
    tasks
        Submitted in the browser.
    seconds
        Median time from being given a task to submitting it; ``None`` without any.
    """

    worker: str
    name: str
    answers: int
    controls: int
    right: float
    accuracy: float | None
    low: float | None
    high: float | None
    failed: bool
    weight: float
    tasks: int
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def worker_records(
    connection: sa.Connection, quality: WorkerQuality, salt: str
) -> tuple[WorkerRecord, ...]:
    """Bring together what is known of each worker with answers.

    Those who failed come first, and then those with the most answers.

    Parameters
    ----------
    salt
        Of the project, which alone leads from people to workers.
    """
    of = people.c
    rows = connection.execute(sa.select(of.person_id, of.name)).all()
    names = {hash_worker(row.person_id, salt): row.name for row in rows}
    times = task_seconds(connection)
    none: tuple[int, float | None] = (0, None)
    records = []
    for one in quality.to_dict():
        worker = str(one["worker"])
        count, seconds = times.get(worker, none)
        more: dict[str, Any] = {"name": names.get(worker, ""), "tasks": count, "seconds": seconds}
        records.append(WorkerRecord(**(one | more)))
    return tuple(sorted(records, key=lambda one: (not one.failed, -one.answers, one.worker)))


def task_seconds(connection: sa.Connection) -> dict[str, tuple[int, float | None]]:
    """Tasks that each worker has submitted in the browser, and the median seconds that one took.

    A task without a known beginning has no time, nor one that ends before it, as clocks jump.
    """
    of = slots.c
    query = sa.select(of.worker, of.leased_at, of.submitted_at).where(
        of.state == "done", of.worker.is_not(None)
    )
    rows = plain_rows(connection, query.order_by(of.worker))
    workers = np.array([row[0] for row in rows], dtype=object)
    begun, ended = (
        np.array([row[place][:_SECONDS] or "NaT" for row in rows], dtype="datetime64[us]")
        for place in (1, 2)
    )
    seconds = (ended - begun) / np.timedelta64(1, "s")
    first = np.flatnonzero(workers[1:] != workers[:-1]) + 1
    out: dict[str, tuple[int, float | None]] = {}
    for part in np.split(np.arange(len(rows)), first):
        if len(part):
            known = seconds[part][seconds[part] >= 0]
            median = float(np.median(known)) if len(known) else None
            out[str(workers[part[0]])] = (len(part), median)
    return out
