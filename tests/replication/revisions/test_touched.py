from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from fakes.frozen import WHO, frozen_project

from freshset.core.provenance import touched_near
from freshset.replication import tables
from freshset.replication.revisions import freeze as freezing
from freshset.replication.revisions.freeze import freeze, unfreeze
from freshset.replication.revisions.touched import why_touched


def test_the_last_time_counts_and_the_mark_never_goes(tmp_path: Path) -> None:
    with frozen_project(tmp_path) as project:
        assert why_touched(project, "r1") == ""
        assert freezing.testset_of(project, "r1").touched == ""
        for why in ("a wrong label", "another one"):
            unfreeze(project, "r1", who="bob", why=why)
            freeze(project, "r1", allow_incomplete="a test", **WHO)
        day = next(e.at[:10] for e in project.entries(action="revision.unfreeze"))
        assert why_touched(project, "r1") == f"revision r1 was un-frozen on {day}: another one"
        assert freezing.testset_of(project, "r1").touched == why_touched(project, "r1")
        # A study may read the images out of the project, without a package.
        freezing.write_manifest(project, "r1", tmp_path / "r1.csv")
        assert touched_near(tmp_path / "r1.csv") == why_touched(project, "r1")


def test_a_mark_whose_entry_is_not_found_is_still_a_mark(tmp_path: Path) -> None:
    with frozen_project(tmp_path) as project:
        with project.change("test.mark", **WHO) as change:
            change.connection.execute(sa.update(tables.revisions).values(touched=True))
        assert why_touched(project, "r1") == "revision r1, or one that it comes from, was un-frozen"
