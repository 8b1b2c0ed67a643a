"""Example images of a class, which workers see beside a task: original ones that no task shows."""

from __future__ import annotations

import sqlalchemy as sa

from freshset.core.errors import NotFoundError
from freshset.replication.tables import exclusions, members, slots, task_items, tasks

MOST = 6
"""Examples of a class."""


def example_items(connection: sa.Connection, class_key: str, *, most: int = MOST) -> list[str]:
    """Ids of example images of a class, always the same as long as there are no new ones.

    They come from the original's training part, and where that has too few, from its test part.  An
    image that any task shows is no example: it may be a control, and whoever knows one passes it.
    """
    shown = sa.select(task_items.c.item_id).where(task_items.c.item_id == members.c.item_id)
    query = (
        sa.select(members.c.item_id)
        .where(
            members.c.class_key == class_key,
            members.c.pool.in_(("train", "test")),
            members.c.item_id.not_in(sa.select(exclusions.c.item_id)),
            ~shown.exists(),
        )
        .group_by(members.c.item_id)
        .order_by(sa.func.max(members.c.pool).desc(), members.c.item_id)  # train before test
        .limit(most)
    )
    return [str(item) for item in connection.execute(query).scalars()]


def class_of_task(connection: sa.Connection, task_id: str, worker: str) -> str:
    """Key of the class that a task asks for, if the worker is or was asked.

    Parameters
    ----------
    worker
        The hash by which slots know the worker.

    Raises
    ------
    NotFoundError
        Otherwise.
    """
    query = (
        sa.select(tasks.c.class_key)
        .join(slots, slots.c.task_id == tasks.c.task_id)
        .where(tasks.c.task_id == task_id, slots.c.worker == worker)
    )
    key = connection.execute(query).scalar()
    if key is None:
        raise NotFoundError("You have no such task.")
    return str(key)
