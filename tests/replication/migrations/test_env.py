"""All steps from the first tables lead to those that a new project has."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from freshset.replication import tables
from freshset.replication.project import DATABASE, Project


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables.metadata))


def test_upgraded_tables_are_those_of_a_new_project(old_project: Path) -> None:
    Project.upgrade(old_project, who="ada", why="newer")
    engine = sa.create_engine(f"sqlite:///{old_project / DATABASE}")
    assert differences(engine) == []
    engine.dispose()


def test_a_missing_step_would_be_seen(old_project: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{old_project / DATABASE}")
    assert differences(engine) != []
    engine.dispose()


def test_a_new_project_has_the_newest_tables(any_project: Project) -> None:
    assert differences(any_project._engine) == []
