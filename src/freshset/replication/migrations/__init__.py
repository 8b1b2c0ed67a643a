"""From the tables of older projects to those of now, step by step, with Alembic.

``versions`` has one module a step.  A new project is made with the newest tables at once; tests hold
that both ways lead to the same.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from freshset.replication import tables

FIRST = "0001"
"""Of projects from before there were steps."""


def revision_of(connection: sa.Connection) -> str:
    """Revision of a database's tables; empty where it holds no project."""
    there, versions, settings = sa.inspect(connection), tables.versions, tables.settings
    if there.has_table(versions.name):
        return str(connection.execute(sa.select(versions.c.version_num)).scalar_one_or_none() or "")
    if not there.has_table(settings.name):
        return ""
    query = sa.select(settings.c.value).where(settings.c.key == "schema")
    return FIRST if connection.execute(query).scalar_one_or_none() == 1 else "unknown"


def is_older(revision: str) -> bool:
    """Whether tables of a revision can be brought to those of now."""
    return revision.isdecimal() and FIRST <= revision < tables.SCHEMA


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables of an older project to those of now, within a transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic takes a lone percent sign for the beginning of a name.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    if not sa.inspect(connection).has_table(tables.versions.name):
        command.stamp(config, FIRST)
    command.upgrade(config, tables.SCHEMA)
