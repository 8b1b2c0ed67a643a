"""A project: one folder with a database, a spec and images, and a log of every decision."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.files import canonical_json, sha256_bytes, write_atomic
from freshset.replication import tables
from freshset.replication.spec import Spec, parse_spec

DATABASE = "project.db"
SALT = "worker-salt"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log.

    Attributes
    ----------
    seq
        Its place; times may go back where a clock did, places never do.
    at
        UTC.
    action
        Such as ``candidates.collect`` or ``revision.freeze``.
    subject
        What it was done to: an image, a class, a revision; empty for the whole project.
    detail
        Plain values: counts, and what was before and after.
    previous, digest
        SHA-256 of the entry before, and of this one with `previous` in it.
    """

    seq: int
    at: str
    who: str
    action: str
    subject: str
    why: str
    detail: Mapping[str, Any]
    previous: str
    digest: str


@dataclass(slots=True)
class Change:
    """A change under way: one transaction, and its entry in the log.

    Attributes
    ----------
    connection
        Of the transaction.
    at
        Time of the change, as the tables hold it.
    who
        Who makes it.
    detail
        What the entry will say; may be added to until the change ends.
    """

    connection: sa.Connection
    at: str
    who: str
    detail: dict[str, Any] = field(default_factory=dict)


class Project:
    """The database and the folder of a test set that is being built.

    Use `Project.create` or `Project.open`, and close it, or use it in a ``with`` block.
    """

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self.folder = folder
        self._engine = engine

    @classmethod
    def create(
        cls, folder: Path | str, spec_text: str, *, who: str, why: str, database: str = ""
    ) -> Self:
        """Begin a project.

        Parameters
        ----------
        spec_text
            Content of the spec file; see `freshset.replication.spec.parse_spec`.
        database
            URL for SQLAlchemy, such as ``postgresql+psycopg://user@host/name``; by default a SQLite
            file in the folder.

        Raises
        ------
        UsageError
            When the spec is wrong, or there is a project already.
        StoreError
            When the database cannot be made.
        """
        folder = Path(folder)
        spec = parse_spec(spec_text)
        folder.mkdir(parents=True, exist_ok=True)
        engine = _engine(folder, database)
        project = cls(folder, engine)
        with _explained(str(engine.url)), engine.begin() as connection:
            if sa.inspect(connection).has_table("settings"):
                raise UsageError(f"{folder} holds a project already.", "Take another folder.")
            tables.metadata.create_all(connection)
            rows: list[dict[str, Any]] = [
                {"key": "schema", "value": tables.SCHEMA_VERSION},
                {"key": "project", "value": secrets.token_hex(8)},
            ]
            connection.execute(sa.insert(tables.settings), rows)
        if not (folder / SALT).exists():
            write_atomic(folder / SALT, secrets.token_hex(32) + "\n")
            (folder / SALT).chmod(0o600)
        project.change_spec(spec_text, who=who, why=why)
        del spec
        return project

    @classmethod
    def open(cls, folder: Path | str, *, database: str = "") -> Self:
        """Open a project.

        Raises
        ------
        UsageError
            When there is none.
        StoreError
            When its database is damaged, or newer than this version of freshset.
        """
        folder = Path(folder)
        if not database and not (folder / DATABASE).is_file():
            hint = "Begin one: freshset testset new SPEC.yaml --project FOLDER"
            raise UsageError(f"{folder} holds no project.", hint)
        engine = _engine(folder, database)
        with _explained(str(engine.url)), engine.connect() as connection:
            if not sa.inspect(connection).has_table("settings"):
                raise UsageError(f"{engine.url} holds no project.")
            query = sa.select(tables.settings.c.value).where(tables.settings.c.key == "schema")
            schema = connection.execute(query).scalar_one_or_none()
        if schema != tables.SCHEMA_VERSION:
            raise StoreError(
                f"{folder} has schema {schema}; this freshset reads {tables.SCHEMA_VERSION}.",
                "Update freshset: pip install --upgrade freshset",
            )
        return cls(folder, engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a connection that sees one state of the database and changes nothing."""
        with _explained(str(self._engine.url)), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def change(
        self, action: str, *, who: str, why: str, subject: str = "", **detail: Any
    ) -> Iterator[Change]:
        """Change the database and log it: both happen, or neither does.

        Parameters
        ----------
        action
            Such as ``answers.import``.
        detail
            Begin of the entry's detail.

        Raises
        ------
        UsageError
            When nobody or no reason is named.
        StoreError
            When the database refuses; it is as it was.
        """
        if not who.strip() or not why.strip():
            raise UsageError(
                f"{action} needs a name and a reason, which the log keeps.",
                "Give --who and --why.",
            )
        with _explained(str(self._engine.url)), self._engine.begin() as connection:
            _lock_log(connection)
            change = Change(connection, now(), who, dict(detail))
            yield change
            _append(change, action, subject, why)

    @property
    def spec(self) -> Spec:
        """The spec that is in force."""
        return parse_spec(self.spec_text)

    @property
    def spec_text(self) -> str:
        """Its text, as it was given."""
        with self.read() as connection:
            query = sa.select(tables.specs.c.text).order_by(tables.specs.c.version.desc()).limit(1)
            return str(connection.execute(query).scalar_one())

    def change_spec(self, text: str, *, who: str, why: str) -> int:
        """Put a spec in force; the earlier ones stay.  Returns its version.

        Raises
        ------
        UsageError
            When it is wrong.
        """
        spec = parse_spec(text)
        with self.change("spec.change", who=who, why=why) as change:
            table = tables.specs.c
            query = sa.select(table.version, table.text).order_by(table.version.desc()).limit(1)
            last = change.connection.execute(query).first()
            version = 1 if last is None else int(last.version) + 1
            change.detail |= {"version": version, "digest": spec.digest}
            if last is not None:
                change.detail["changes"] = spec.changes_from(parse_spec(last.text))
            row = {"version": version, "text": text, "digest": spec.digest, "at": change.at}
            change.connection.execute(sa.insert(tables.specs), [row])
        return version

    def entries(self, *, action: str = "", subject: str = "") -> Iterator[Entry]:
        """Entries of the log in order, all or those of an action (a prefix) or subject."""
        query = sa.select(tables.log).order_by(tables.log.c.seq)
        if action:
            query = query.where(tables.log.c.action.startswith(action, autoescape=True))
        if subject:
            query = query.where(tables.log.c.subject == subject)
        with self.read() as connection:
            for row in connection.execute(query):
                yield Entry(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it

    def verify_log(self) -> int:
        """Check that no entry was changed, removed or put in between; returns how many there are.

        Raises
        ------
        DataError
            At the first entry that is not as it was written.
        """
        previous, count = "", 0
        for entry in self.entries():
            count += 1
            if entry.previous != previous or entry.digest != _digest(entry):
                raise DataError(
                    f"{self.folder}: entry {entry.seq} of the log is not as it was written.",
                    "Restore the database from a copy.",
                )
            previous = entry.digest
        return count

    @cached_property
    def salt(self) -> str:
        """What workers' names are hashed with."""
        path = self.folder / SALT
        if not path.is_file():
            raise StoreError(
                f"{path} is missing, so that workers cannot be told from each other.",
                "Restore it from where the project was begun.",
            )
        return path.read_text(encoding="utf-8").strip()


def now() -> str:
    """Return the time in UTC as the tables hold it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _engine(folder: Path, database: str) -> sa.Engine:
    if database:
        try:
            return sa.create_engine(database, pool_pre_ping=True)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise UsageError(
                f"No database {sa.engine.make_url(database)!r} ({error})."
                if "://" in database
                else f"{database!r} is no database URL.",
                'Use postgresql+psycopg://user@host/name and pip install "freshset[postgresql]".',
            ) from error
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=os.fspath(folder / DATABASE)),
        connect_args={"timeout": 60},
    )
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin is the only one
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _lock_log(connection: sa.Connection) -> None:
    """Let one change at a time be under way, so that the log is one chain."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE log IN EXCLUSIVE MODE")
    else:
        # A write takes SQLite's lock at once, where reading first could end in a deadlock.
        connection.execute(sa.delete(tables.settings).where(tables.settings.c.key == ""))


def _append(change: Change, action: str, subject: str, why: str) -> None:
    table = tables.log.c
    query = sa.select(table.seq, table.digest).order_by(table.seq.desc()).limit(1)
    last = change.connection.execute(query).first()
    seq, previous = (1, "") if last is None else (int(last.seq) + 1, str(last.digest))
    entry = Entry(
        seq, change.at, change.who, action, subject, why, change.detail, previous, digest=""
    )
    row = {
        name: getattr(entry, name)
        for name in ("seq", "at", "who", "action", "subject", "why", "detail", "previous")
    }
    change.connection.execute(sa.insert(tables.log), [{**row, "digest": _digest(entry)}])


def _digest(entry: Entry) -> str:
    body = [
        entry.seq, entry.at, entry.who, entry.action, entry.subject, entry.why,
        dict(entry.detail), entry.previous,
    ]  # fmt: skip
    return sha256_bytes(canonical_json(body))


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn the errors of a database into freshset's."""
    try:
        yield
    except OperationalError as error:
        said = str(error.orig)
        hints = {
            "full": "Make room, then run the command again; the database is as it was.",
            "locked": "Another process is writing; try again when it has ended.",
            "disk I/O": "Check the disk, then run the command again.",
        }
        hint = next((text for sign, text in hints.items() if sign in said), "")
        raise StoreError(f"{where}: {said}.", hint) from error
    except DBAPIError as error:
        hint = "Restore the database from a copy." if "malformed" in str(error.orig) else ""
        raise StoreError(f"{where}: {error.orig}.", hint) from error
