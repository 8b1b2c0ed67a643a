from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from freshset.replication.migrations import FIRST, is_older, revision_of
from freshset.replication.migrations.versions import r0001_projects
from freshset.replication.project import DATABASE


def test_a_project_without_revisions_is_of_the_first(old_project: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{old_project / DATABASE}")
    with engine.connect() as connection:
        assert revision_of(connection) == FIRST == r0001_projects.revision
        assert is_older(FIRST)
        r0001_projects.upgrade()
        assert revision_of(connection) == FIRST
    engine.dispose()
