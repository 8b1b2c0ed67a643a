"""The images of tasks by the tokens that workers know them by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import NotFoundError
from freshset.replication.databases import Prepared, rows_given
from freshset.replication.tables import task_items


def shown_tokens(connection: sa.Connection, task_id: str) -> list[str]:
    """Tokens of a task's images, in the order shown."""
    return ask_tokens(connection, [task_id])().get(task_id, [])


def ask_tokens(
    connection: sa.Connection, task_ids: Iterable[str]
) -> Callable[[], dict[str, list[str]]]:
    """Ask for `shown_tokens` of several tasks, and return what waits for them, by task."""
    cursor = _SHOWN.run_for(connection, [{"task_id": one} for one in set(task_ids)])

    def wait() -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for task_id, token in cursor.fetchall():
            out.setdefault(task_id, []).append(token)
        return out

    return wait


def find_image(connection: sa.Connection, token: str) -> str:
    """Id of the image that a task calls so.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    query = sa.select(task_items.c.item_id).where(task_items.c.token == token)
    item_id = connection.execute(query).scalar()
    if item_id is None:
        raise NotFoundError("There is no such image.")
    return str(item_id)


def _shown(dialect: str) -> sa.Select[Any]:
    asked = rows_given(dialect, task_id=sa.String)
    query = sa.select(task_items.c.task_id, task_items.c.token)
    query = query.join_from(asked, task_items, task_items.c.task_id == asked.c.task_id)
    return query.order_by(task_items.c.task_id, task_items.c.position)


_SHOWN = Prepared(_shown)
