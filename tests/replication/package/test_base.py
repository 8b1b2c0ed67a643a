from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.frozen import CLASSES, SPEC, WHO, frozen_project, revision

from freshset.core.errors import DataError, UsageError
from freshset.replication import tables
from freshset.replication.collecting.excluding import take_down
from freshset.replication.package.base import Contents, collect, packaged_classes
from freshset.replication.project import Project
from freshset.replication.revisions.chain import load, put
from freshset.replication.revisions.freeze import freeze, unfreeze
from freshset.replication.spec import parse_spec


def test_images_with_their_classes_and_origins(contents: Contents) -> None:
    assert [one.key for one in contents.classes] == list(CLASSES)
    assert len(contents.images) == 8
    assert [image.file for image in contents.images] == sorted(i.file for i in contents.images)
    for image in contents.images:
        assert image.file.startswith(f"{image.of.key}/{image.item_id}.")
        assert image.source.is_file()
        assert image.origin["page"].startswith("https://example.org/")
        assert image.origin["url"] == ""
    assert {image.suffix for image in contents.images} == {"png", "jpg"}
    assert contents.testset == "animals/fresh/r1"
    assert contents.chain == ("r1",)
    assert contents.spec_text == SPEC
    assert contents.touched == ""
    assert contents.frozen.who == "ada"


def test_a_draft_is_refused(tmp_path: Path) -> None:
    with frozen_project(tmp_path, freeze_it=False) as project:
        with pytest.raises(UsageError, match="'r1' is a draft") as error:
            collect(project, "r1")
        assert "freshset testset freeze r1" in error.value.hint
        with pytest.raises(UsageError, match="No revision 'r2'"):
            collect(project, "r2")


def test_a_missing_file_and_a_changed_one_are_named(project: Project, contents: Contents) -> None:
    first, second = contents.images[:2]
    second.source.write_bytes(second.source.read_bytes() + b"!")
    with pytest.raises(DataError, match=rf"1 of 8 .*another checksum.*{second.item_id}"):
        collect(project, "r1")
    first.source.unlink()
    with pytest.raises(DataError, match=rf"1 of 8 image files are missing: .*{first.item_id}"):
        collect(project, "r1")


def test_an_image_that_was_taken_down_is_left_out_and_listed(
    project: Project, contents: Contents
) -> None:
    gone = contents.images[3]
    take_down(project, [gone.item_id], who="ada", why="asked for")
    assert not gone.source.exists()
    after = collect(project, "r1")
    assert len(after.images) == 7
    assert [(t.item_id, t.class_key, t.reason) for t in after.tombstones] == [
        (gone.item_id, gone.of.key, "asked for")
    ]
    # The log goes as far as what last changed the package, and no further.
    assert after.entries[-1].action == "image.takedown"
    assert contents.entries[-1].action == "revision.freeze"


def test_a_set_that_was_un_frozen_says_when_and_why(project: Project) -> None:
    unfreeze(project, "r1", who="bob", why="a wrong label")
    with pytest.raises(UsageError, match="draft"):
        collect(project, "r1")
    freeze(project, "r1", allow_incomplete="a test", **WHO)
    day = next(e.at[:10] for e in project.entries(action="revision.unfreeze"))
    assert collect(project, "r1").touched == f"revision r1 was un-frozen on {day}: a wrong label"


def test_another_spec_in_force_changes_nothing(project: Project, contents: Contents) -> None:
    project.change_spec(SPEC.replace("It purrs.", "It meows."), **WHO)
    after = collect(project, "r1")
    assert (after.spec_text, after.entries) == (contents.spec_text, contents.entries)


def test_a_revision_that_is_not_as_it_was_drawn(project: Project) -> None:
    with project.change("test.tamper", **WHO) as change:
        query = sa.select(tables.revisions.c.document)
        document = change.connection.execute(query).scalar_one() | {"seed": 8}
        change.connection.execute(sa.update(tables.revisions).values(document=document))
    with pytest.raises(DataError, match="not as it was written"):
        collect(project, "r1")


def test_folders_are_told_apart_on_any_file_system() -> None:
    spec = parse_spec(
        'name: a\noriginal: b\nclasses: [{key: Cat}, {key: cat}, {key: "red fox"}, {key: dog}]\n'
    )
    assert [one.folder for one in packaged_classes(spec)] == ["Cat~0", "cat~1", "red%20fox", "dog"]


def test_an_image_in_two_classes_is_refused(tmp_path: Path) -> None:
    with frozen_project(tmp_path, freeze_it=False) as project:
        with project.read() as connection:
            rows = [(item.item_id, item.class_key) for item in load(connection, "r1").items]
        with project.change("revision.sample", subject="r2", **WHO) as change:
            one = revision(project, [*rows[:-1], (rows[0][0], "2")])
            put(change, "r2", one, None)
            change.detail["digest"] = one.digest
        freeze(project, "r2", allow_incomplete="a test", **WHO)
        with pytest.raises(DataError, match="is in the classes 'cat' and '2'"):
            collect(project, "r2")
