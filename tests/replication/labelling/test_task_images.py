from __future__ import annotations

import pytest
import sqlalchemy as sa
from fakes.crowd import add_images

from freshset.core.errors import NotFoundError
from freshset.replication import tables
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.task_images import find_image, shown_tokens
from freshset.replication.project import Project


def test_images_of_a_task_by_token(any_project: Project) -> None:
    add_images(any_project, "candidate", {"cat": 5})
    add_images(any_project, "test", {"cat": 50, "lynx": 50})
    make_tasks(any_project, who="ada", why="test")
    query = sa.select(tables.task_items).order_by(tables.task_items.c.position)
    with any_project.read() as connection:
        rows = connection.execute(query).all()
        assert shown_tokens(connection, rows[0].task_id) == [row.token for row in rows]
        assert [find_image(connection, row.token) for row in rows] == [row.item_id for row in rows]
        assert shown_tokens(connection, "other") == []
        for token in ("", "0" * 32, rows[0].token[:31], rows[0].item_id):
            with pytest.raises(NotFoundError):
                find_image(connection, token)
