"""What workers have ticked so far, kept so that a lost connection or a closed page costs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import ConflictError
from freshset.replication.databases import Prepared, rows_given
from freshset.replication.labelling.slots import leased_at
from freshset.replication.labelling.submissions import check_tokens, is_done
from freshset.replication.project import Together, now
from freshset.replication.tables import drafts


@dataclass(frozen=True, slots=True)
class Draft:
    """What a worker has ticked in a task.

    Attributes
    ----------
    chosen
        Tokens of images.
    version
        Grows by 1 each time it is saved.
    """

    chosen: tuple[str, ...]
    version: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {"chosen": list(self.chosen), "version": self.version}


def save_draft(
    together: Together,
    worker: str,
    task_id: str,
    *,
    lease: str,
    chosen: Sequence[str],
    version: int,
) -> int:
    """Keep what a worker has ticked; returns its new version.

    Parameters
    ----------
    version
        That of the draft which this one follows; 0 where there was none.

    Raises
    ------
    ConflictError
        When the worker was not given the task or has submitted it, or the draft was saved elsewhere
        since.
    DataError
        When an image is not of the task.
    """
    leased_at(together, worker, task_id, lease)
    connection = together.connection
    if is_done(connection, worker, task_id):
        raise ConflictError("You have submitted this task already.")
    check_tokens(connection, task_id, chosen)
    old = find_draft(connection, worker, task_id)
    if version != (0 if old is None else old.version):
        raise ConflictError(
            "This task is open elsewhere, and was changed there.",
            "Load this page again to go on from there.",
        )
    values = {"chosen": list(chosen), "version": version + 1, "at": now()}
    if old is None:
        row = {"task_id": task_id, "worker": worker, **values}
        connection.execute(sa.insert(drafts), [row])
    else:
        mine = sa.and_(drafts.c.task_id == task_id, drafts.c.worker == worker)
        connection.execute(sa.update(drafts).where(mine).values(values))
    return version + 1


def find_draft(connection: sa.Connection, worker: str, task_id: str) -> Draft | None:
    """What a worker has ticked in a task, where anything was saved."""
    return ask_drafts(connection, [(worker, task_id)])().get((worker, task_id))


def ask_drafts(
    connection: sa.Connection, pairs: Iterable[tuple[str, str]]
) -> Callable[[], dict[tuple[str, str], Draft]]:
    """Ask for `find_draft` of several pairs of worker and task, and return what waits for them."""
    rows = [{"worker": worker, "task_id": task_id} for worker, task_id in pairs]
    cursor = _FIND.run_for(connection, rows)

    def wait() -> dict[tuple[str, str], Draft]:
        out = {}
        for worker, task_id, chosen, version in cursor.fetchall():
            # JSON, which the driver of PostgreSQL reads and that of SQLite does not.
            tokens = json.loads(chosen) if isinstance(chosen, str) else chosen
            out[worker, task_id] = Draft(tuple(tokens), int(version))
        return out

    return wait


def _find(dialect: str) -> sa.Select[Any]:
    asked = rows_given(dialect, worker=sa.String, task_id=sa.String)
    query = sa.select(drafts.c.worker, drafts.c.task_id, drafts.c.chosen, drafts.c.version)
    same = drafts.c.task_id == asked.c.task_id, drafts.c.worker == asked.c.worker
    return query.join_from(asked, drafts, sa.and_(*same))


_FIND = Prepared(_find)
