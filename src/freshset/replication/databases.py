"""Databases of projects: SQLite and PostgreSQL, their transactions, and what their errors mean."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from freshset.core.errors import MissingExtraError, StoreError, UsageError

# The connection used last comes first: what it has read, and prepared, is still there.
_POOL = {"pool_use_lifo": True}
# The first SQLite that changes rows by those of another table, of 2020.
_OLDEST = (3, 33)
_EXAMPLE = "Give postgresql+psycopg://user@host/name."
# What databases say, in the order in which it is looked for, and what to do.
_HINTS = (
    ("no space", "Make room, then run the command again; the database is as it was."),
    ("is full", "Make room, then run the command again; the database is as it was."),
    ("disk i/o", "Check the disk and the room on it, then run the command again."),
    ("readonly", "Check who may write the file and its folder."),
    ("locked", "Another process is writing; try again when it has ended."),
    ("not a database", "Restore the file from a copy, or take another folder."),
    ("malformed", "Restore the database from a copy."),
    ("connection", "Check the URL, and that the server runs."),
)


def make_engine(path: Path, url: str = "") -> sa.Engine:
    """Prepare to open a database; nothing is opened yet.

    Parameters
    ----------
    path
        File of a SQLite database, where there is no URL.
    url
        For SQLAlchemy, of SQLite or PostgreSQL.

    Raises
    ------
    UsageError
        When the URL cannot be read, or is of another kind.
    MissingExtraError
        When the driver is not installed.
    StoreError
        When this Python's SQLite is too old.
    """
    place = _parsed(url) if url else sa.URL.create("sqlite", database=os.fspath(path))
    if place.get_backend_name() == "sqlite":
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old; 3.33 or later is needed.",
                "Take a Python with a later one, or PostgreSQL.",
            )
        engine = sa.create_engine(place, connect_args={"timeout": 60}, **_POOL)
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return sa.create_engine(place, pool_pre_ping=True, **_POOL)
    except ImportError as error:
        raise MissingExtraError(
            f"PostgreSQL needs {error.name}, which is not installed.",
            'Install it: pip install "freshset[postgresql]"',
        ) from error


def shown(url: sa.URL) -> str:
    """Return a URL as messages may hold it: without password and options."""
    if url.get_backend_name() == "sqlite":
        return url.database or "the database in memory"
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection that sees one state of the database, whatever others write meanwhile."""
    with explained(engine.url):
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with engine.connect() as connection:
            yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction, which ends with the block, or leaves no trace when that fails."""
    with explained(engine.url), engine.execution_options(writes=True).begin() as connection:
        yield connection


def enlarge_cache(connection: sa.Connection, megabytes: int) -> None:
    """Let a connection to SQLite keep more in memory than the usual 2 MB.

    Indexes of many rows do not fit into those, so that their pages are read and written many times.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size=-{1_000 * megabytes}")


def prefer_keys(connection: sa.Connection) -> None:
    """Let PostgreSQL look rows up by their keys for the rest of the transaction.

    It would rather read the whole of a table that has grown since it last counted.  SQLite does not.
    """
    if connection.dialect.name == "postgresql":
        ways = ("hashjoin", "mergejoin", "seqscan")
        off = ", ".join(f"set_config('enable_{way}', 'off', true)" for way in ways)
        connection.exec_driver_sql(f"SELECT {off}")


def plain_rows(connection: sa.Connection, query: sa.Executable) -> list[tuple[Any, ...]]:
    """All rows of a query as the driver gives them, which for many rows takes half the time.

    For columns of texts and numbers only, as types such as JSON are not converted.
    """
    with closing(connection.execute(query)) as result:
        cursor: Any = result.cursor
        return list(cursor.fetchall())


class Prepared:
    """A statement that is run very often: made into text once, and run as the driver does.

    SQLAlchemy's own way takes longer for it than the database.  For columns of texts and numbers
    only, as types such as JSON are not converted.

    Parameters
    ----------
    make
        Makes the statement for a dialect, ``sqlite`` or ``postgresql``; its parameters are named.
    """

    def __init__(self, make: Callable[[str], sa.Executable]) -> None:
        self._make = make
        self._made: dict[str, tuple[str, list[str], dict[str, Any]]] = {}

    def run_for(
        self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]], **values: Any
    ) -> Any:
        """Run a statement with `rows_given` once for many rows; otherwise as `run`."""
        return self.run(connection, rows=json.dumps(rows), **values)

    def run(self, connection: sa.Connection, **values: Any) -> Any:
        """Run it; returns the driver's cursor.

        Raises
        ------
        sqlalchemy.exc.DBAPIError
            When the database refuses.
        """
        dialect: Any = connection.dialect
        text, names, constants = self._made.get(dialect.name) or self._prepare(dialect)
        given: Any = constants | values
        if dialect.positional:
            given = [given[name] for name in names]
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, given)
        except dialect.loaded_dbapi.Error as error:
            kind = dialect.loaded_dbapi.Error
            raise DBAPIError.instance(text, None, error, kind, dialect=dialect) from error
        return cursor

    def _prepare(self, dialect: sa.Dialect) -> tuple[str, list[str], dict[str, Any]]:
        statement: Any = self._make(dialect.name)
        made = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._made[dialect.name] = str(made), list(made.positiontup or ()), dict(made.params)
        return self._made[dialect.name]


def rows_given(dialect: str, **columns: type[sa.types.TypeEngine[Any]]) -> sa.FromClause:
    """Make a table of the rows that `Prepared.run_for` is given, for use within a statement.

    One statement about many rows costs a fraction of as many statements, most of all on PostgreSQL.

    Parameters
    ----------
    dialect
        As `Prepared` hands it over.
    columns
        Types of the columns, `sqlalchemy.String` or `sqlalchemy.Integer`.  Texts are ids, times and
        the like: neither database takes a letter NUL in them.
    """
    rows = sa.bindparam("rows", type_=sa.String)
    if dialect == "sqlite":
        each = sa.func.json_each(rows).table_valued("value")
        values = (
            sa.type_coerce(sa.func.json_extract(each.c.value, f"$.{name}"), kind).label(name)
            for name, kind in columns.items()
        )
        # With a limit SQLite reads each row once, not again for each row that it is joined to.
        return sa.select(*values).limit(-1).subquery("given")
    typed = (sa.column(name, kind) for name, kind in columns.items())
    table = sa.func.json_to_recordset(sa.cast(rows, sa.JSON)).table_valued(*typed)
    return table.render_derived(name="given", with_types=True)


@contextmanager
def pipelined(connection: sa.Connection) -> Iterator[None]:
    """Send prepared statements one after the other, and wait for all of them once.

    Each wait for PostgreSQL takes longer than what it is waited for.  Whatever is fetched within the
    block is waited for; only `Prepared` may run there.  SQLite has nothing to wait for.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        When the database refuses any of them.
    """
    dialect: Any = connection.dialect
    if dialect.name == "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except dialect.loaded_dbapi.Error as error:
        kind = dialect.loaded_dbapi.Error
        raise DBAPIError.instance("", None, error, kind, dialect=dialect) from error


@contextmanager
def explained(url: sa.URL) -> Iterator[None]:
    """Turn the errors of a database into freshset's, without passwords.

    Raises
    ------
    StoreError
        With what the database said, and what to do about it.
    """
    try:
        yield
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        if url.password:
            said = said.replace(str(url.password), "***")
        hint = next((text for sign, text in _HINTS if sign in said.lower()), "")
        raise StoreError(f"{shown(url)}: {said.rstrip('.')}.", hint) from error


def _parsed(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError) as error:
        # The text is not repeated, as it may hold a password.
        raise UsageError("The database is not given as a URL.", _EXAMPLE) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        return url
    if backend in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    raise UsageError(f"{shown(url)}: projects live in SQLite or PostgreSQL.", _EXAMPLE)


def _configure_sqlite(connection: Any, record: object) -> None:
    del record
    connection.isolation_level = None  # SQLAlchemy's begin is the only one
    # Pages that change again and again are copied back once for 256 MB of changes, not for 4 MB.
    checkpoint = "wal_autocheckpoint=64000"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", checkpoint):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # Who reads first and writes later could be refused for what others wrote in between.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
