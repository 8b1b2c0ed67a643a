from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from freshset.replication import tables
from freshset.replication.migrations import revision_of
from freshset.replication.migrations.versions import r0002_people
from freshset.replication.project import Project


def test_what_was_there_stays(old_project: Path) -> None:
    Project.upgrade(old_project, who="ada", why="newer")
    with Project.open(old_project) as project, project.read() as connection:
        assert revision_of(connection) >= r0002_people.revision
        assert len(connection.execute(sa.select(tables.images)).all()) == 3
        keys = set(connection.execute(sa.select(tables.settings.c.key)).scalars())
        assert keys == {"project", "log"}
        assert connection.execute(sa.select(tables.slots)).all() == []
        assert connection.execute(sa.select(tables.people)).all() == []


def test_no_step_leads_beyond_the_tables_of_now() -> None:
    assert r0002_people.revision <= tables.SCHEMA
