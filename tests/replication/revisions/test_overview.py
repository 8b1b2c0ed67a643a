from __future__ import annotations

from pathlib import Path

from fakes.pool import ANIMALS, animals, exclude

from freshset.replication.project import Project
from freshset.replication.revisions.overview import list_revisions
from freshset.replication.revisions.review import Judgement, set_reviews
from freshset.replication.sampling.choose import draw_revision


def test_revisions_newest_first(tmp_path: Path, database: str) -> None:
    text = ANIMALS % "strategy: random"
    with Project.create(tmp_path / "p", text, who="ada", why="x", database=database) as project:
        answers = animals(project)
        draw_revision(project, answers, name="one", who="bob", why="first")
        said = [Judgement("cat", "good"), Judgement("dog", "problematic")]
        set_reviews(project, "one", said, who="eve", why="looked")
        set_reviews(project, "one", [Judgement("cat", "open", 1)], who="eve", why="not yet")
        for k in range(8):
            exclude(project, f"d{k}")
        draw_revision(project, answers, name="two", parent="one", who="ada", why="next")
        with project.read() as connection:
            two, one = list_revisions(connection)
    assert (one.head.name, one.who, one.why, one.children) == ("one", "bob", "first", ("two",))
    assert (one.good, one.problematic, one.summary["images"]) == (0, 1, 5)
    assert (two.head.parent, two.children, two.good, two.problematic) == ("one", (), 0, 0)
    assert (two.summary["missing"], two.summary["strategy"]) == (2, "random")


def test_there_may_be_none(any_project: Project) -> None:
    with any_project.read() as connection:
        assert list_revisions(connection) == []
