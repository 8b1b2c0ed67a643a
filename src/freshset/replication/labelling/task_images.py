"""The images of tasks by the tokens that workers know them by."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from freshset.core.errors import NotFoundError
from freshset.replication.databases import Prepared
from freshset.replication.tables import task_items


def shown_tokens(connection: sa.Connection, task_id: str) -> list[str]:
    """Tokens of a task's images, in the order shown."""
    return ask_tokens(connection, task_id)()


def ask_tokens(connection: sa.Connection, task_id: str) -> Callable[[], list[str]]:
    """Ask for `shown_tokens`, and return what waits for them."""
    cursor = _SHOWN.run(connection, of_task=task_id)
    return lambda: [token for (token,) in cursor.fetchall()]


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


_SHOWN = Prepared(
    lambda _: (
        sa.select(task_items.c.token)
        .where(task_items.c.task_id == sa.bindparam("of_task"))
        .order_by(task_items.c.position)
    )
)
