from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from freshset.core.errors import StoreError
from freshset.replication import tables
from freshset.replication.project import Project

ENTRY = {
    "seq": 1, "at": "", "who": "eve", "action": "x", "subject": "", "why": "", "detail": {},
    "previous": "", "digest": "",
}  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [sa.update(tables.log).values(who="eve"), sa.delete(tables.log), sa.insert(tables.log)],
    ids=["update", "delete", "insert"],
)
def test_the_database_itself_keeps_the_log(any_project: Project, statement: sa.UpdateBase) -> None:
    with (
        pytest.raises(StoreError, match="append-only|UNIQUE|unique"),
        any_project.change("x", who="eve", why="y") as change,
    ):
        change.connection.execute(statement, ENTRY if statement.is_insert else {})
    assert [entry.who for entry in any_project.entries()] == ["ada"]


def test_ways_around_the_triggers_are_closed(any_project: Project) -> None:
    sqlite_ = any_project._engine.dialect.name == "sqlite"
    text = (
        "INSERT OR REPLACE INTO log (seq, at, who, action, subject, why, detail, previous, digest)"
        " VALUES (1, '', 'eve', '', '', '', '{}', '', '')"
        if sqlite_
        else "TRUNCATE log"
    )
    with (
        pytest.raises(StoreError, match="the log is append-only"),
        any_project.change("x", who="eve", why="y") as change,
    ):
        change.connection.exec_driver_sql(text)
    assert [entry.who for entry in any_project.entries()] == ["ada"]


def test_both_databases_hold_the_same_tables(any_project: Project) -> None:
    with any_project.read() as connection:
        inspected = sa.inspect(connection)
        assert set(inspected.get_table_names()) == set(tables.metadata.tables)
        for name, table in tables.metadata.tables.items():
            columns = {column["name"] for column in inspected.get_columns(name)}
            assert columns == {column.name for column in table.columns}


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_has_a_key_and_is_plain_sql(table: sa.Table) -> None:
    assert table.primary_key.columns
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        text = str(sa.schema.CreateTable(table).compile(dialect=dialect))
        assert text.strip().startswith("CREATE TABLE")


def test_an_origin_may_have_no_image(any_project: Project) -> None:
    row = {"source": "s", "key": "k", "class_key": "cat", "item_id": None, "failure": "too big"}
    with any_project.change("x", who="ada", why="y") as change:
        change.connection.execute(sa.insert(tables.origins), [{**row, "retrieved_at": change.at}])
    with any_project.read() as connection:
        found = connection.execute(sa.select(tables.origins)).one()
    assert (found.item_id, found.failure, found.licence) == (None, "too big", "")


def test_members_need_their_image(any_project: Project) -> None:
    row = {"item_id": "none", "pool": "candidate", "class_key": "cat"}
    with (
        pytest.raises(StoreError, match="(?i)foreign key"),
        any_project.change("x", who="ada", why="y") as change,
    ):
        change.connection.execute(sa.insert(tables.members), [row])
