from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from freshset.replication import tables
from freshset.replication.databases import make_engine
from freshset.replication.migrations import revision_of
from freshset.replication.migrations.versions import r0002_people
from freshset.replication.project import Project


@pytest.fixture
def empty(database: str, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database without tables, once on SQLite and once on PostgreSQL."""
    engine = make_engine(tmp_path / "empty.db", database)
    yield engine
    engine.dispose()


def test_what_was_there_stays(old_project: Path) -> None:
    Project.upgrade(old_project, who="ada", why="newer")
    with Project.open(old_project) as project, project.read() as connection:
        assert revision_of(connection) >= r0002_people.revision
        assert len(connection.execute(sa.select(tables.images)).all()) == 3
        keys = set(connection.execute(sa.select(tables.settings.c.key)).scalars())
        assert keys == {"project", "log"}
        assert connection.execute(sa.select(tables.slots)).all() == []
        assert connection.execute(sa.select(tables.people)).all() == []


OLD = """
CREATE TABLE answers (
    worker VARCHAR(64) NOT NULL, item_id VARCHAR(64) NOT NULL, class_key VARCHAR(64) NOT NULL,
    task_id VARCHAR(64) NOT NULL, selected FLOAT NOT NULL, PRIMARY KEY (worker, item_id, class_key)
);
CREATE INDEX answers_by_question ON answers (item_id, class_key);
CREATE INDEX ix_answers_task_id ON answers (task_id);
INSERT INTO answers VALUES ('w', 'i', 'c', 't', 1.0);
INSERT INTO answers VALUES ('v', 'i', 'c', 't', 0.5)
"""


def test_answers_are_kept_under_a_key_that_begins_with_the_question(empty: sa.Engine) -> None:
    with empty.begin() as connection:
        for statement in OLD.split(";"):
            connection.exec_driver_sql(statement)
        with Operations.context(MigrationContext.configure(connection)):
            r0002_people.key_answers_by_question()
    with empty.begin() as connection:
        there = sa.inspect(connection)
        key = there.get_pk_constraint("answers")["constrained_columns"]
        assert (
            key
            == ["item_id", "class_key", "worker"]
            == list(tables.answers.primary_key.columns.keys())
        )
        assert [one["name"] for one in there.get_indexes("answers")] == ["ix_answers_task_id"]
        rows = connection.exec_driver_sql("SELECT worker, selected FROM answers ORDER BY worker")
        assert rows.fetchall() == [("v", 0.5), ("w", 1.0)]


def test_no_step_leads_beyond_the_tables_of_now() -> None:
    assert r0002_people.revision <= tables.SCHEMA
