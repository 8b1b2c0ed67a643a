from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.pool import ANIMALS, add_images, animals, exclude, frequencies

from freshset.core.errors import ConflictError, FreshsetError, NotFoundError, UsageError
from freshset.replication.project import Project
from freshset.replication.revisions.chain import load
from freshset.replication.revisions.freeze import freeze
from freshset.replication.revisions.review import (
    ClassReview,
    Judgement,
    basis_of,
    images_to_review,
    reviews_of,
    set_reviews,
)
from freshset.replication.sampling.choose import draw_revision

SPEC = ANIMALS % "strategy: random"


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p", SPEC, who="ada", why="x") as project:
        draw_revision(project, animals(project), name="r", who="ada", why="x")
        yield project


def answers_of_animals():
    return frequencies(
        [(f"{a}{k}", key, 10, 10) for a, key in (["c", "cat"], ["d", "dog"]) for k in range(8)]
    )


def load_items(project: Project, name: str):
    with project.read() as connection:
        return load(connection, name).items


def look(project: Project, name: str = "r") -> dict[str, ClassReview]:
    with project.read() as connection:
        return {one.class_key: one for one in reviews_of(connection, name)}


def review(project: Project, key: str, verdict, version: int, who: str = "ada", name: str = "r"):
    judgement = Judgement(key, verdict, version)
    (given,) = set_reviews(project, name, [judgement], who=who, why="looked")
    return given


def test_a_verdict_is_kept_with_who_gave_it(project: Project) -> None:
    assert look(project)["cat"] == ClassReview("cat", "open", stale=False, who="", at="", version=0)
    given = review(project, "cat", "good", 0)
    assert look(project)["cat"] == given
    assert (given.who, given.version, given.holds) == ("ada", 1, True)
    assert not look(project)["dog"].holds
    entry = list(project.entries(action="revision.review"))[-1]
    assert entry.subject == "r"
    assert entry.detail["classes"] == {"cat": {"before": "open", "after": "good", "version": 1}}


def test_two_reviewers_never_lose_an_edit(project: Project) -> None:
    review(project, "cat", "problematic", 0, who="bob")
    with pytest.raises(ConflictError, match="bob found 'cat' problematic") as error:
        review(project, "cat", "good", 0, who="eve")
    assert "version 1" in error.value.hint
    assert look(project)["cat"].verdict == "problematic"
    assert review(project, "cat", "good", 1, who="eve").version == 2
    with pytest.raises(ConflictError, match="nobody has reviewed 'dog'"):
        review(project, "dog", "good", 3)


def test_many_verdicts_count_together_or_not_at_all(project: Project) -> None:
    review(project, "dog", "good", 0, who="bob")
    entries = len(list(project.entries()))
    for second, message in (
        (Judgement("dog", "good"), "bob found 'dog' good"),
        (Judgement("cat", "good"), "Two verdicts on 'cat'"),
        (Judgement("cow", "good"), "no class 'cow'"),
    ):
        with pytest.raises(FreshsetError, match=message):
            set_reviews(project, "r", [Judgement("cat", "good"), second], who="eve", why="x")
    assert look(project)["cat"].version == 0
    assert len(list(project.entries())) == entries


def test_a_changed_definition_makes_a_review_stale(project: Project) -> None:
    review(project, "cat", "good", 0)
    review(project, "dog", "good", 0)
    project.change_spec(SPEC.replace("It purrs", "It meows"), who="ada", why="clearer")
    assert (look(project)["cat"].stale, look(project)["cat"].holds) == (True, False)
    assert look(project)["dog"].holds
    # Looking again under the new words makes it hold.
    assert review(project, "cat", "good", 1).holds
    assert look(project)["cat"].holds


def test_what_is_not_there_gets_a_hint(project: Project) -> None:
    for key, verdict, name, message in (
        ("cta", "good", "r", "no class 'cta'"),
        ("cat", "godo", "r", "no verdict 'godo'"),
        ("cat", "good", "q", "No revision 'q'"),
    ):
        with pytest.raises(UsageError, match=message) as error:
            review(project, key, verdict, 0, name=name)
        assert error.value.hint


def test_a_frozen_revision_is_reviewed_no_more(project: Project) -> None:
    for key in ("cat", "dog"):
        review(project, key, "good", 0)
    freeze(project, "r", who="ada", why="done")
    with pytest.raises(UsageError, match="frozen"):
        review(project, "cat", "problematic", 1)


def test_a_good_review_reaches_what_was_drawn_meanwhile(project: Project) -> None:
    cat, dog = (
        next(i.item_id for i in load_items(project, "r") if i.class_key == key)
        for key in ("cat", "dog")
    )
    answers = answers_of_animals()
    exclude(project, cat)
    draw_revision(project, answers, name="s", parent="r", who="ada", why="x")
    exclude(project, dog)
    draw_revision(project, answers, name="t", parent="s", who="ada", why="x")
    for key in ("cat", "dog"):
        review(project, key, "good", 0, who="bob")
    entry = list(project.entries(action="revision.review"))[-1]
    assert entry.detail["passed_on"] == [["s", "dog"]]
    assert (look(project, "s")["dog"].verdict, look(project, "s")["dog"].who) == ("good", "bob")
    assert look(project, "s")["cat"].verdict == "open"  # of other images
    assert look(project, "t")["dog"].verdict == "open"
    # What was said there stays.
    review(project, "dog", "problematic", 1, who="eve", name="s")
    review(project, "dog", "good", 1, who="bob")
    assert look(project, "s")["dog"].verdict == "problematic"


def test_a_review_is_passed_on_down_the_chain(project: Project) -> None:
    answers, items = answers_of_animals(), load_items(project, "r")
    for item, name, parent in (
        (next(i.item_id for i in items if i.class_key == "cat"), "s", "r"),
        (next(i.item_id for i in reversed(items) if i.class_key == "cat"), "t", "s"),
    ):
        exclude(project, item)
        draw_revision(project, answers, name=name, parent=parent, who="ada", why="x")
    review(project, "dog", "good", 0, who="bob")
    assert [look(project, name)["dog"].who for name in "rst"] == ["bob"] * 3
    review(project, "cat", "good", 0, name="t")
    freeze(project, "t", who="ada", why="done")
    review(project, "dog", "problematic", 1)
    assert look(project, "t")["dog"].verdict == "good"


def test_the_basis_is_the_set_and_the_words() -> None:
    assert basis_of(["a", "b"], "x") == basis_of(["b", "a"], "x")
    assert basis_of(["a"], "x") != basis_of(["a", "b"], "x")
    assert basis_of(["a"], "x") != basis_of(["a"], "y")


def test_a_reviewer_sees_a_class_beside_original_images(project: Project) -> None:
    add_images(project, [f"o{k:02}" for k in range(15)], "cat", pool="test")
    with project.read() as connection:
        shown = images_to_review(connection, "r", "cat", originals=4)
        assert images_to_review(connection, "r", "cat", originals=4) == shown
        with pytest.raises(NotFoundError, match="no class 'cow'"):
            images_to_review(connection, "r", "cow")
    assert [one.part for one in shown] == ["fresh"] * 3 + ["original"] * 4
    assert all(one.path == f"images/{one.item_id}.png" for one in shown)
    assert (shown[0].selected, shown[0].how, shown[-1].how) == (10.0, "drawn", "")
    exclude(project, shown[0].item_id, kind="takedown")
    with project.read() as connection:
        assert images_to_review(connection, "r", "cat")[0].path == ""


def test_of_two_reviewers_at_once_one_is_told(tmp_path: Path, database: str) -> None:
    """Both saw that nobody had reviewed the class; whoever writes second must look again."""
    with Project.create(tmp_path / "p", SPEC, who="ada", why="x", database=database) as project:
        draw_revision(project, animals(project), name="r", who="ada", why="x")

    def judge(who: str) -> str:
        with Project.open(tmp_path / "p", database=database) as mine:
            try:
                review(mine, "cat", "good", 0, who=who)
            except ConflictError as error:
                return error.message
        return "done"

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(judge, ["ann", "bob", "cyd", "dan", "eve", "fay"]))
    assert told.count("done") == 1
    assert sum("which is not the review that you saw" in text for text in told) == 5
    with Project.open(tmp_path / "p", database=database) as project:
        assert look(project)["cat"].version == 1
        assert len(list(project.entries(action="revision.review"))) == 1
