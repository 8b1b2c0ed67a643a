"""What a crowd was given, and what it has done: batches, and assignments with their hidden controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import DataError, NotFoundError
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.answers.mturk import selected_tokens
from freshset.replication.labelling.mturk import Client, assignments_of
from freshset.replication.project import Project
from freshset.replication.tables import log, task_items, tasks

PUBLISHED = "tasks.publish"


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks that were made together.

    Attributes
    ----------
    batch, created_at
        Its name, and when it was made.
    open, published, closed
        Tasks by status.
    posted
        Tasks that were posted on Mechanical Turk, whatever their status is now.
    live
        Whether there, and not in the sandbox; ``None`` where nothing was posted.
    """

    batch: str
    created_at: str
    open: int
    published: int
    closed: int
    posted: int
    live: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one worker of the crowd has submitted of one task.

    Attributes
    ----------
    assignment_id, hit, task_id
        Ids of the crowd, and of the task.
    worker
        Salted hash, as answers and the log call the worker.
    status
        ``Submitted``, ``Approved`` or ``Rejected``.
    submitted_at
        As the crowd says.
    seconds
        From accepting to submitting; ``None`` where the crowd does not say.
    images, chosen
        Of the grid, and those that were ticked.
    controls, right
        Hidden controls of the grid, and those that were answered right.
    """

    assignment_id: str
    hit: str
    task_id: str
    worker: str
    status: str
    submitted_at: str
    seconds: float | None
    images: int
    chosen: int
    controls: int
    right: int

    @property
    def waits(self) -> bool:
        """Whether it is still to be approved or rejected."""
        return self.status == "Submitted"


def read_batches(connection: sa.Connection) -> tuple[Batch, ...]:
    """Read all batches, the newest first."""
    c = tasks.c
    posted_one = sa.case((c.external_id != "", c.task_id), else_="")
    query = sa.select(
        c.batch,
        sa.func.min(c.created_at),
        _count(c.status == "open"),
        _count(c.status == "published"),
        _count(c.status == "closed"),
        _count(c.external_id != ""),
        sa.func.max(posted_one),
    )
    rows = connection.execute(query.group_by(c.batch).order_by(c.batch.desc())).all()
    return tuple(
        Batch(
            str(batch), str(at), int(open_), int(published), int(closed), int(posted),
            _is_live(connection, task_id) if posted else None,
        )
        for batch, at, open_, published, closed, posted, task_id in rows
    )  # fmt: skip


def find_batch(connection: sa.Connection, batch: str) -> Batch:
    """A batch by name.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    for one in read_batches(connection):
        if one.batch == batch:
            return one
    raise NotFoundError(f"There is no batch {batch!r}.", "Look at the list of batches.")


def find_posted(connection: sa.Connection, task_id: str) -> str:
    """Class of a task that was posted; all others are none of a crowd's business.

    Raises
    ------
    NotFoundError
        When there is no such task.
    """
    query = sa.select(tasks.c.class_key).where(
        tasks.c.task_id == task_id, tasks.c.external_id != ""
    )
    key = connection.execute(query).scalar()
    if key is None:
        raise NotFoundError("There is no such task.", "Return it, and take another one.")
    return str(key)


def find_posted_image(connection: sa.Connection, token: str) -> str:
    """Id of the image that a posted task calls so.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    query = (
        sa.select(task_items.c.item_id)
        .join(tasks, tasks.c.task_id == task_items.c.task_id)
        .where(task_items.c.token == token, tasks.c.external_id != "")
    )
    item_id = connection.execute(query).scalar()
    if item_id is None:
        raise NotFoundError("There is no such image.")
    return str(item_id)


def read_assignments(project: Project, client: Client, batch: str) -> tuple[Assignment, ...]:
    """Ask the crowd what was submitted of a batch, the newest first.

    Raises
    ------
    NotFoundError
        When there is no such batch.
    DataError
        When an answer cannot be read.
    StoreError
        When the crowd refuses.
    """
    with project.read() as connection:
        find_batch(connection, batch)
        query = sa.select(tasks.c.external_id, tasks.c.task_id)
        query = query.where(tasks.c.batch == batch, tasks.c.external_id != "")
        by_hit = {str(hit): str(task_id) for hit, task_id in connection.execute(query)}
        of_batch = sa.select(tasks.c.task_id).where(tasks.c.batch == batch)
        shown = sa.select(task_items.c.task_id, task_items.c.token, task_items.c.role)
        grids: dict[str, dict[str, str]] = {}
        for task_id, token, role in connection.execute(
            shown.where(task_items.c.task_id.in_(of_batch))
        ):
            grids.setdefault(task_id, {})[token] = role
    found = _assignments(assignments_of(client, by_hit), by_hit, grids, project.salt)
    return tuple(sorted(found, key=lambda one: (one.submitted_at, one.assignment_id), reverse=True))


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _is_live(connection: sa.Connection, task_id: str) -> bool:
    query = sa.select(log.c.detail).where(log.c.action == PUBLISHED, log.c.subject == task_id)
    entry = connection.execute(query.order_by(log.c.seq.desc()).limit(1)).scalar()
    return bool(entry and entry.get("live"))


def _assignments(
    raw: Iterable[Mapping[str, Any]],
    by_hit: Mapping[str, str],
    grids: Mapping[str, Mapping[str, str]],
    salt: str,
) -> list[Assignment]:
    out = []
    for one in raw:
        if "SubmitTime" not in one:
            continue  # somebody works on it still
        hit = str(one["HITId"])
        grid = grids[by_hit[hit]]
        where = f"Assignment {one['AssignmentId']}"
        tokens = {text.strip() for text in selected_tokens(str(one["Answer"]), where).split("|")}
        chosen = tokens - {""}
        if not chosen <= grid.keys():
            raise DataError(f"{where}: {min(chosen - grid.keys())!r} is no image of its task.")
        controls = {token: role for token, role in grid.items() if role != "candidate"}
        right = sum((token in chosen) == (role == "positive") for token, role in controls.items())
        out.append(
            Assignment(
                str(one["AssignmentId"]), hit, by_hit[hit], hash_worker(str(one["WorkerId"]), salt),
                str(one["AssignmentStatus"]), _text(one["SubmitTime"]),
                _seconds(one.get("AcceptTime"), one["SubmitTime"]),
                len(grid), len(chosen), len(controls), right,
            )
        )  # fmt: skip
    return out


def _text(time: Any) -> str:
    return str(time.isoformat() if isinstance(time, datetime) else time)


def _seconds(begun: Any, ended: Any) -> float | None:
    if isinstance(begun, datetime) and isinstance(ended, datetime):
        return (ended - begun).total_seconds()
    return None
