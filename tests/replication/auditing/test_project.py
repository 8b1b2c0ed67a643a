from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.frozen import CLASSES, WHO, add_picture, frozen_project, revision

from freshset.core.errors import UsageError
from freshset.replication import tables
from freshset.replication.auditing.project import audit_project
from freshset.replication.project import Project
from freshset.replication.revisions.chain import load, put
from freshset.replication.revisions.freeze import unfreeze


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with frozen_project(tmp_path / "project") as project:
        yield project


def items(project: Project) -> list[tuple[str, str]]:
    with project.read() as connection:
        return [(item.item_id, item.class_key) for item in load(connection, "r1").items]


def test_a_sound_revision(project: Project) -> None:
    report = audit_project(project)
    assert [found.name for found in report.sets] == ["r1"]
    # The last of its images was put in without answers.
    assert [(i.check, i.severity) for i in report.issues] == [("unknown-frequency", "warning")]
    assert report.sets[0].unknown_frequency == 1


def test_what_was_found_since_it_was_drawn(project: Project) -> None:
    rows = items(project)
    (a, _), (b, _), (c, _), (d, _) = rows[:4]
    with project.change("test.findings", **WHO) as change:
        original = add_picture(change.connection, project.folder, 99, "cat")
        change.connection.execute(
            sa.update(tables.members)
            .where(tables.members.c.item_id == original)
            .values(pool="train")
        )
        pairs = [(a, b, "duplicate"), (*sorted((c, original)), "duplicate"), (d, a, "different")]
        said = [
            {"a": one, "b": two, "verdict": verdict, "who": "ada", "at": change.at}
            for one, two, verdict in pairs
        ]
        change.connection.execute(sa.insert(tables.pairs), said)
        out = [
            {"item_id": item, "kind": kind, "reason": "blurred", "who": "ada", "at": change.at}
            for item, kind in ((b, "blacklist"), (d, "takedown"))
        ]
        change.connection.execute(sa.insert(tables.exclusions), out)
    (found,) = audit_project(project, ["r1"]).sets
    assert [one.item_ids for one in found.groups] == [tuple(sorted((a, b)))]
    (duplicate,) = found.original_duplicates
    assert (duplicate.item_id, duplicate.original_class) == (c, "cat")
    assert duplicate.class_key == "dog"
    # A takedown leaves a tombstone on purpose.
    assert [(one.item_id, one.reason) for one in found.blacklisted] == [(b, "blurred")]


def test_files_that_are_missing_or_changed(project: Project) -> None:
    files = sorted((project.folder / "images").rglob("*.png"))
    files[0].unlink()
    files[1].write_bytes(b"other")
    (found,) = audit_project(project).sets
    assert {one.reason for one in found.unreadable} == {
        "the file is missing", "the file is not as it was collected",
    }  # fmt: skip


def test_overlaps_of_two_revisions(project: Project) -> None:
    rows = items(project)
    with project.change("revision.sample", subject="r2", **WHO) as change:
        item = add_picture(change.connection, project.folder, 50, CLASSES[0])
        one = revision(project, [*rows[1:], (item, CLASSES[0])])
        put(change, "r2", one, None)
        change.detail["digest"] = one.digest
    report = audit_project(project)
    assert [found.name for found in report.sets] == ["r1", "r2"]
    assert report.overlaps[0].shared == 7
    assert report.union == 9


def test_no_revision(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No revision 'r9'"):
        audit_project(project, ["r9"])
    from fakes.frozen import SPEC

    with (
        Project.create(tmp_path / "new", SPEC, **WHO) as empty,
        pytest.raises(UsageError, match="no revision to audit"),
    ):
        audit_project(empty)


def test_a_revision_that_was_unfrozen_is_named(project: Project) -> None:
    unfreeze(project, "r1", who="eve", why="a wrong label")
    (issue,) = [one for one in audit_project(project).issues if one.check == "touched"]
    assert (issue.severity, issue.testset) == ("warning", "r1")
    assert "un-frozen on" in issue.message
    assert issue.message.endswith("a wrong label.")
