from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.pool import ANIMALS, animals, exclude

from freshset.core.errors import DataError, UsageError
from freshset.replication.project import Project
from freshset.replication.revisions.chain import descendants, head, heads, load, verify
from freshset.replication.sampling.choose import draw_revision
from freshset.replication.tables import revisions


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(
        tmp_path / "p", ANIMALS % "strategy: random", who="ada", why="x"
    ) as project:
        answers = animals(project)
        for name, parent, image in (
            ("a", "", "c0"),
            ("b", "a", "c1"),
            ("c", "b", "d0"),
            ("d", "a", "d1"),
        ):
            exclude(project, image)
            draw_revision(project, answers, name=name, parent=parent, who="ada", why="x")
        yield project


def forge(project: Project, name: str, **values: object) -> None:
    with project.change("test.forge", who="eve", why="evil") as change:
        c = revisions.c
        change.connection.execute(sa.update(revisions).where(c.name == name).values(**values))


def test_heads_come_parents_first(project: Project) -> None:
    forge(project, "a", at="2099-01-01T00:00:00.000000+00:00")  # a clock that was wrong
    with project.read() as connection:
        names = [one.name for one in heads(connection)]
        assert names[0] == "a"
        assert names.index("b") < names.index("c")
        assert head(connection, "c").parent == "b"
        assert descendants(heads(connection), "b") == ["b", "c"]
        assert descendants(heads(connection), "a") == ["a", "b", "c", "d"]


def test_a_chain_verifies_back_to_the_first(project: Project) -> None:
    chain = verify(project, "c")
    assert chain.names == ("c", "b", "a")
    assert chain.tombstones == ()
    assert chain.to_dict()["names"] == ["c", "b", "a"]


def test_an_image_that_was_taken_down_leaves_the_chain_whole(project: Project) -> None:
    with project.read() as connection:
        gone = load(connection, "c").items[0].item_id
    exclude(project, gone, kind="takedown")
    assert verify(project, "c").tombstones == (gone,)


def test_a_changed_document_is_found(project: Project) -> None:
    with project.read() as connection:
        document = load(connection, "a").to_dict()
    forge(project, "a", document=document | {"seed": 8})
    for name in ("a", "c"):
        with pytest.raises(DataError, match="'a' is not as it was written"):
            verify(project, name)


def test_a_whole_forged_revision_is_found(project: Project) -> None:
    with project.read() as connection:
        other = load(connection, "d")
    with project.change("test.forge", who="eve", why="evil") as change:
        change.connection.execute(sa.delete(revisions).where(revisions.c.name == "d"))
    forge(project, "b", document=other.to_dict(), digest=other.digest)
    with pytest.raises(DataError, match="'b' is not the one that was drawn"):
        verify(project, "b")
    with pytest.raises(DataError, match="'b' is not the one that was drawn"):
        verify(project, "c")


@pytest.mark.parametrize("parent", ["", "gone", "d"])
def test_a_broken_link_is_found(project: Project, parent: str) -> None:
    forge(project, "c", parent=parent)
    with pytest.raises(DataError, match=r"breaks before 'c'|'d' is not the one"):
        verify(project, "c")


def test_a_circle_ends(project: Project) -> None:
    forge(project, "a", parent="c")
    with project.read() as connection:
        assert len(heads(connection)) == 4
    with pytest.raises(DataError, match="breaks"):
        verify(project, "c")


def test_an_unknown_revision_gets_a_hint(project: Project) -> None:
    with project.read() as connection, pytest.raises(UsageError) as error:
        head(connection, "e")
    assert "'a'" in error.value.hint or "Known" in error.value.hint
