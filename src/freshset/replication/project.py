"""A project: one folder with a database, a spec and images, and a log of every decision."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from freshset.core.errors import StoreError, UsageError
from freshset.replication import journal, migrations, tables
from freshset.replication.databases import (
    Prepared,
    enlarge_cache,
    make_engine,
    reading,
    shown,
    writing,
)
from freshset.replication.journal import Change, Entry, now
from freshset.replication.spec import Spec, parse_spec

__all__ = ["DATABASE", "Change", "Entry", "Project", "now"]

DATABASE = "project.db"
SALT = "worker-salt"
# SQLAlchemy's begin_nested takes much longer.
_SAVE = Prepared(lambda _: sa.text("SAVEPOINT one_change"))
_UNDO = Prepared(lambda _: sa.text("ROLLBACK TO SAVEPOINT one_change"))
_KEEP = Prepared(lambda _: sa.text("RELEASE SAVEPOINT one_change"))
_NEWEST = sa.select(sa.func.max(tables.specs.c.version))
_BEGIN = (
    "Begin one: freshset testset new SPEC.yaml --project DIR; or say with --database where it is."
)


class Project:
    """The database and the folder of a test set that is being built.

    Use `Project.create` or `Project.open`, and close it, or use it in a ``with`` block.
    """

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self.folder = folder
        self._engine = engine
        self._spec: tuple[int, Spec | None] = 0, None

    @classmethod
    def create(
        cls, folder: Path | str, spec_text: str, *, who: str, why: str, database: str = ""
    ) -> Self:
        """Begin a project.

        Parameters
        ----------
        spec_text
            Content of the spec file; see `freshset.replication.spec.parse_spec`.
        who, why
            For the first entry of the log.
        database
            URL for SQLAlchemy, such as ``postgresql+psycopg://user@host/name``; by default a SQLite
            file in the folder.

        Raises
        ------
        UsageError
            When the spec is wrong, nobody or no reason is named, or there is a project already.
        StoreError
            When the database cannot be made.
        """
        folder = Path(folder)
        parse_spec(spec_text)
        _check_named("project.create", who, why)
        folder.mkdir(parents=True, exist_ok=True)
        _make_salt(folder / SALT)
        project = cls(folder, make_engine(folder / DATABASE, database))
        try:
            with writing(project._engine) as connection:
                _make_tables(connection)
                change = journal.begin_change(connection, who, {})
                _put_spec(change, spec_text)
                journal.append(change, "project.create", "", why)
        except BaseException:
            project.close()
            raise
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
            raise UsageError(f"{folder} holds no project.", _BEGIN)
        project = cls(folder, make_engine(folder / DATABASE, database))
        try:
            with project.read() as connection:
                _check_schema(connection)
        except BaseException:
            project.close()
            raise
        return project

    @classmethod
    def upgrade(cls, folder: Path | str, *, database: str = "", who: str, why: str) -> bool:
        """Bring the tables of a project of an older freshset to those of this one.

        Returns whether there was anything to do.

        Raises
        ------
        UsageError
            When there is no project, or nobody or no reason is named.
        StoreError
            When its tables are of a newer freshset.
        """
        _check_named("project.upgrade", who, why)
        project = cls(Path(folder), make_engine(Path(folder) / DATABASE, database))
        if not database and not (project.folder / DATABASE).is_file():
            raise UsageError(f"{folder} holds no project.", _BEGIN)
        try:
            with writing(project._engine) as connection:
                before = migrations.revision_of(connection)
                if not migrations.is_older(before):
                    _check_schema(connection)
                    return False
                migrations.upgrade(connection)
                change = journal.begin_change(
                    connection, who, {"before": before, "after": tables.SCHEMA}
                )
                journal.append(change, "project.upgrade", "", why)
        finally:
            project.close()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a connection that sees one state of the database and changes nothing.

        Raises
        ------
        StoreError
            When the database cannot be read.
        """
        with reading(self._engine) as connection:
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
        _check_named(action, who, why)
        with writing(self._engine) as connection:
            change = journal.begin_change(connection, who, detail)
            yield change
            journal.append(change, action, subject, why)

    @contextmanager
    def together(self) -> Iterator[Together]:
        """Open one transaction for several changes, so that they cost one wait for the disk.

        Each of them happens or fails by itself; all that happened is lost when the block fails.

        Raises
        ------
        StoreError
            When the database refuses; it is as it was.
        """
        with writing(self._engine) as connection:
            enlarge_cache(connection, 64)
            journal.wait_for_turn(connection)
            together = Together(self, connection)
            yield together
            together.write_log()

    @property
    def spec(self) -> Spec:
        """The spec that is in force."""
        with self.read() as connection:
            return self.spec_of(connection)

    def spec_of(self, connection: sa.Connection) -> Spec:
        """The spec that is in force for a transaction; its text is read again only when it is new."""
        version = connection.execute(_NEWEST).scalar_one()
        known, spec = self._spec
        if spec is None or known != version:
            query = sa.select(tables.specs.c.text).where(tables.specs.c.version == version)
            spec = parse_spec(connection.execute(query).scalar_one())
            self._spec = version, spec
        return spec

    @property
    def spec_text(self) -> str:
        """Its text, as it was given."""
        with self.read() as connection:
            query = sa.select(tables.specs.c.text).order_by(tables.specs.c.version.desc()).limit(1)
            return str(connection.execute(query).scalar_one())

    def change_spec(self, text: str, *, who: str, why: str) -> int:
        """Put a spec in force; the earlier ones stay.  Returns its version.

        The entry of the log says what is different, before and after.

        Raises
        ------
        UsageError
            When it is wrong, or says just what the one in force says.
        """
        parse_spec(text)
        with self.change("spec.change", who=who, why=why) as change:
            return _put_spec(change, text)

    def entries(self, *, action: str = "", subject: str = "") -> Iterator[Entry]:
        """Entries of the log in order, all or those of an action (a prefix) or subject."""
        with self.read() as connection:
            yield from journal.read_entries(connection, action, subject)

    def verify_log(self, known: str = "") -> int:
        """Check that no entry was changed, removed or put in between; returns how many there are.

        Parameters
        ----------
        known
            Digest of an entry, noted outside the database.  Who can write the database can write a
            whole new log, but not one that has this digest.

        Raises
        ------
        DataError
            At the first entry that is not as it was written.
        """
        with self.read() as connection:
            return journal.verify(
                journal.read_entries(connection),
                journal.head_of(connection),
                where=str(self.folder),
                known=known,
            )

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


class Together:
    """A transaction that holds several changes; see `Project.together`.

    Attributes
    ----------
    project
        Whose it is.
    connection
        Of the transaction; no other change is under way.
    memo
        What its changes work out once for all of them, under names of their own.
    """

    def __init__(self, project: Project, connection: sa.Connection) -> None:
        self.project = project
        self.connection = connection
        self.memo: dict[str, Any] = {}
        self._chain = journal.Chain(connection)

    @cached_property
    def spec(self) -> Spec:
        """The spec that is in force."""
        return self.project.spec_of(self.connection)

    @contextmanager
    def change(
        self, action: str, *, who: str, why: str, subject: str = "", **detail: Any
    ) -> Iterator[Change]:
        """Make one of the changes, and log it; parameters and errors as of `Project.change`."""
        _check_named(action, who, why)
        _SAVE.run(self.connection)
        try:
            change = Change(self.connection, now(), who, detail)
            yield change
            self._chain.append(change, action, subject, why)
        except BaseException:
            _UNDO.run(self.connection)
            raise
        finally:
            _KEEP.run(self.connection)

    def note(
        self, action: str, *, who: str, why: str, subject: str, at: str, detail: dict[str, Any]
    ) -> None:
        """Log a change that is written with others by one statement, at a time.

        Unlike a `change` it cannot fail by itself: it must be right before it is written.
        """
        _check_named(action, who, why)
        self._chain.append(Change(self.connection, at, who, detail), action, subject, why)

    def write_log(self) -> None:
        """Write the entries of all changes; whoever opened the transaction calls it in the end."""
        self._chain.write()


def _check_named(action: str, who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise UsageError(
            f"{action} needs a name and a reason, which the log keeps.", "Give --who and --why."
        )


def _make_tables(connection: sa.Connection) -> None:
    if sa.inspect(connection).has_table("settings"):
        raise UsageError(
            f"{shown(connection.engine.url)} holds a project already.", "Take another place."
        )
    tables.metadata.create_all(connection)
    connection.execute(sa.insert(tables.versions), [{"version_num": tables.SCHEMA}])
    named = {"key": "project", "value": secrets.token_hex(8)}
    connection.execute(sa.insert(tables.settings), [named])


def _check_schema(connection: sa.Connection) -> None:
    where = shown(connection.engine.url)
    revision = migrations.revision_of(connection)
    if not revision:
        raise UsageError(f"{where} holds no project.", _BEGIN)
    if revision == tables.SCHEMA:
        return
    said = f"{where} has tables of revision {revision}; this freshset reads {tables.SCHEMA}."
    if migrations.is_older(revision):
        raise StoreError(said, "Make a copy, then: freshset testset upgrade --project DIR")
    raise StoreError(said, "Update freshset: pip install --upgrade freshset")


def _make_salt(path: Path) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(secrets.token_hex(32) + "\n")


def _put_spec(change: Change, text: str) -> int:
    spec = parse_spec(text)
    columns = tables.specs.c
    query = sa.select(columns.version, columns.text).order_by(columns.version.desc()).limit(1)
    last = change.connection.execute(query).first()
    version = 1 if last is None else int(last.version) + 1
    change.detail |= {"version": version, "digest": spec.digest}
    if last is not None:
        change.detail["changes"] = spec.changes_from(parse_spec(last.text))
        if not change.detail["changes"]:
            raise UsageError("The spec says what the one in force says already.")
    row = {"version": version, "text": text, "digest": spec.digest, "at": change.at}
    change.connection.execute(sa.insert(tables.specs), [row])
    return version
