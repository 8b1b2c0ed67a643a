from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import sqlalchemy as sa

from freshset.core.errors import MissingExtraError, StoreError, UsageError
from freshset.replication import tables
from freshset.replication.databases import (
    Prepared,
    explained,
    make_engine,
    pipelined,
    plain_rows,
    prefer_keys,
    reading,
    rows_given,
    shown,
    writing,
)
from freshset.replication.project import Project

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"ada:{SECRET}@host/name", "not given as a URL"),
        (f"postgresql://ada:{SECRET}@host:port/name", "not given as a URL"),
        (f"mysql://ada:{SECRET}@host/name", r"mysql://ada:\*\*\*@host/name: projects live in"),
        (f"nonsense://ada:{SECRET}@host/name", "projects live in SQLite or PostgreSQL"),
    ],
)
def test_wrong_urls_are_refused_without_repeating_passwords(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        make_engine(Path("x.db"), url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_postgresql_is_spoken_to_through_psycopg(scheme: str) -> None:
    engine = make_engine(Path("x.db"), f"{scheme}://ada@host/name")
    assert engine.url.drivername == "postgresql+psycopg"


def test_a_missing_driver_has_an_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r'pip install "freshset\[postgresql\]"'):
        make_engine(Path("x.db"), "postgresql://ada@host/name")


def test_passwords_are_never_shown(tmp_path: Path) -> None:
    url = f"postgresql://ada:{SECRET}@127.0.0.1:1/name?password={SECRET}&connect_timeout=1"
    engine = make_engine(tmp_path / "x.db", url)
    with (
        pytest.raises(StoreError, match=r"ada:\*\*\*@127.0.0.1:1/name: ") as caught,
        reading(engine),
    ):
        pass
    assert SECRET not in str(caught.value)
    assert "that the server runs" in caught.value.hint
    with pytest.raises(StoreError, match=r"no \*\*\* here") as caught, explained(engine.url):
        raise sa.exc.DBAPIError("", {}, Exception(f"no {SECRET} here"))
    assert SECRET not in str(caught.value)
    assert shown(sa.make_url("sqlite:///a/b.db")) == "a/b.db"
    assert shown(sa.make_url("sqlite://")) == "the database in memory"


def test_who_reads_sees_one_state(tmp_path: Path, database: str) -> None:
    engine = make_engine(tmp_path / "x.db", database)
    table = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer))
    with writing(engine) as connection:
        table.create(connection)
    count = sa.select(sa.func.count()).select_from(table)
    with reading(engine) as connection:
        assert connection.execute(count).scalar_one() == 0
        with writing(engine) as other:
            other.execute(sa.insert(table), [{"n": 1}])
        assert connection.execute(count).scalar_one() == 0
    with reading(engine) as connection:
        assert connection.execute(count).scalar_one() == 1
        connection.execute(sa.text("SELECT 1"))
    engine.dispose()


def test_a_transaction_that_fails_leaves_no_trace(tmp_path: Path, database: str) -> None:
    engine = make_engine(tmp_path / "x.db", database)
    table = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer))
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"n": 1 // 0}])
    with reading(engine) as connection:
        assert not sa.inspect(connection).has_table("t")
    engine.dispose()


def test_a_sqlite_url_is_as_good_as_a_file(tmp_path: Path) -> None:
    engine = make_engine(tmp_path / "unused.db", f"sqlite:///{tmp_path / 'x.db'}")
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    engine.dispose()
    assert not (tmp_path / "unused.db").exists()


def test_plain_rows_are_those_of_the_query(tmp_path: Path, database: str) -> None:
    engine = make_engine(tmp_path / "x.db", database)
    table = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("x", sa.Double))
    with writing(engine) as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"n": n, "x": n / 2} for n in (1, 2)])
    query = sa.select(table).order_by(table.c.n)
    with reading(engine) as connection:
        assert plain_rows(connection, query) == [(1, 0.5), (2, 1.0)]
        assert plain_rows(connection, query.where(table.c.n > 2)) == []
    engine.dispose()


_ADD = Prepared(
    lambda _: sa.insert(tables.settings).values(key=sa.bindparam("name"), value=sa.text("'1'"))
)
_COUNT = Prepared(
    lambda _: sa.select(sa.func.count()).where(tables.settings.c.key.startswith("x")).limit(1)
)


def test_prepared_statements_do_what_others_do(any_project: Project) -> None:
    with any_project.change("x", who="ada", why="test") as change, pipelined(change.connection):
        for name in ("x1", "x2", "x3"):
            _ADD.run(change.connection, name=name)
        assert _COUNT.run(change.connection).fetchone() == (3,)
    with any_project.read() as connection:
        assert _COUNT.run(connection).fetchone() == (3,)


@pytest.mark.parametrize("together", [False, True])
def test_what_the_database_refuses_is_said_as_ever(any_project: Project, together: bool) -> None:
    with (
        pytest.raises(StoreError, match="(?i)unique"),
        any_project.change("x", who="ada", why="test") as change,
        pipelined(change.connection) if together else nullcontext(),
    ):
        _ADD.run(change.connection, name="x1")
        _ADD.run(change.connection, name="x1")
    with any_project.read() as connection:
        assert _COUNT.run(connection).fetchone() == (0,)
    assert any_project.verify_log() == 1


_GIVEN = Prepared(lambda dialect: sa.select(rows_given(dialect, text=sa.String, number=sa.Integer)))


def test_rows_are_given_as_they_are(any_project: Project) -> None:
    texts = ["", "it's", '"', "\\n", "ä😀\u2028", "%s {x} :y ?", "null", "1", "2026-01-01"]
    rows = [{"text": text, "number": -number} for number, text in enumerate(texts)]
    with any_project.read() as connection:
        found = _GIVEN.run_for(connection, rows).fetchall()
        assert [tuple(row) for row in found] == [(row["text"], row["number"]) for row in rows]
        assert _GIVEN.run_for(connection, []).fetchall() == []


def test_keys_are_preferred_for_one_transaction(any_project: Project) -> None:
    def ways(connection: sa.Connection) -> set[str]:
        if connection.dialect.name == "sqlite":
            return set()
        names = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan")
        return {connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names}

    with any_project.together() as together:
        prefer_keys(together.connection)
        assert ways(together.connection) <= {"off"}
    with any_project.together() as together:
        assert ways(together.connection) <= {"on"}


def test_an_old_sqlite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 26, 0))
    monkeypatch.setattr("sqlite3.sqlite_version", "3.26.0")
    with pytest.raises(StoreError, match=r"SQLite 3\.26\.0 is too old") as caught:
        make_engine(tmp_path / "project.db")
    assert "PostgreSQL" in caught.value.hint
