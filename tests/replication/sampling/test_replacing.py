from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.pool import ANIMALS, animals, exclude, pair

from freshset.core.errors import ConflictError, UsageError
from freshset.replication.project import Project
from freshset.replication.revisions.chain import heads, load
from freshset.replication.revisions.review import Judgement, reviews_of, set_reviews
from freshset.replication.sampling.choose import draw_revision, read_ground
from freshset.replication.sampling.replacing import (
    Replacements,
    children_of,
    replace_images,
    replacements_of,
)

WHO = {"who": "eve", "why": "blurred"}


@pytest.fixture
def drawn(tmp_path: Path, database: str):
    """A project with a first revision, and its answers, on both databases."""
    text = ANIMALS % "strategy: random"
    with Project.create(tmp_path / "p", text, who="ada", why="x", database=database) as project:
        answers = animals(project)
        draw_revision(project, answers, name="r", who="ada", why="x")
        yield project, answers


def of_class(project: Project, key: str, name: str = "r") -> list[str]:
    with project.read() as connection:
        items = load(connection, name).items
    return sorted(item.item_id for item in items if item.class_key == key)


def preview(project: Project, answers, *items: str) -> Replacements:
    with project.read() as connection:
        return replacements_of(connection, read_ground(connection, answers), "r", items)


def test_what_is_shown_is_what_comes(drawn) -> None:
    project, answers = drawn
    entries = list(project.entries())
    gone = of_class(project, "cat")[0]
    shown = preview(project, answers, gone)
    assert list(project.entries()) == entries
    (change,) = shown.classes
    assert (change.class_key, change.missing) == ("cat", 0)
    assert [(one.item_id, one.reason) for one in change.gone] == [(gone, "blacklisted")]
    (come,) = change.come
    assert come.item_id not in of_class(project, "cat")

    head = replace_images(project, answers, "r", [gone], **WHO)
    assert (head.name, head.parent, head.digest) == ("random-0", "r", shown.digest)
    left = {*of_class(project, "cat")} - {gone}
    assert set(of_class(project, "cat", head.name)) == left | {come.item_id}
    assert of_class(project, "dog", head.name) == of_class(project, "dog")
    assert shown.to_dict()["classes"][0]["come"][0]["item_id"] == come.item_id


def test_everything_is_logged_with_its_reason(drawn) -> None:
    project, answers = drawn
    gone = of_class(project, "cat")[0]
    replace_images(project, answers, "r", [gone], **WHO)
    said = [(one.action, one.who, one.why) for one in project.entries()][-2:]
    assert said == [("image.blacklist", "eve", "blurred"), ("revision.sample", "eve", "blurred")]
    project.verify_log()


def test_reviews_of_other_classes_are_carried_over(drawn) -> None:
    project, answers = drawn
    good = [Judgement("cat", "good"), Judgement("dog", "good")]
    set_reviews(project, "r", good, who="bob", why="looked")
    head = replace_images(project, answers, "r", of_class(project, "cat")[:1], **WHO)
    with project.read() as connection:
        found = {one.class_key: one for one in reviews_of(connection, head.name)}
    assert (found["dog"].verdict, found["dog"].who) == ("good", "bob")
    assert found["cat"].verdict == "open"


def test_whoever_comes_second_is_told(drawn) -> None:
    project, answers = drawn
    cat, dog = of_class(project, "cat")[0], of_class(project, "dog")[0]
    replace_images(project, answers, "r", [cat], **WHO)
    entries = list(project.entries())
    with pytest.raises(ConflictError, match="'random-0' was drawn from 'r'") as error:
        replace_images(project, answers, "r", [dog], who="bob", why="cropped")
    assert "'random-0'" in error.value.hint
    assert list(project.entries()) == entries
    replace_images(project, answers, "random-0", [dog], who="bob", why="cropped")
    assert cat not in of_class(project, "cat", "random-1")
    assert dog not in of_class(project, "dog", "random-1")
    with project.read() as connection:
        assert children_of(heads(connection), "random-0") == ["random-1"]
        assert children_of(heads(connection), "random-1") == []


def test_of_many_at_once_one_draws(tmp_path: Path, database: str) -> None:
    text = ANIMALS % "strategy: random"
    with Project.create(tmp_path / "p", text, who="ada", why="x", database=database) as project:
        answers = animals(project)
        draw_revision(project, answers, name="r", who="ada", why="x")
        items = of_class(project, "cat") + of_class(project, "dog")

    def attempt(item: str) -> str:
        with Project.open(tmp_path / "p", database=database) as mine:
            try:
                return replace_images(mine, answers, "r", [item], who=item, why="bad").name
            except ConflictError:
                return ""

    with ThreadPoolExecutor(5) as pool:
        names = list(pool.map(attempt, items))
    assert sorted(names) == ["", "", "", "", "random-0"]
    with Project.open(tmp_path / "p", database=database) as project:
        assert len(list(project.entries(action="image.blacklist"))) == 1


def test_a_class_without_any_more_images_says_so(drawn) -> None:
    project, answers = drawn
    chosen = of_class(project, "dog")
    for k in range(8):
        if f"d{k}" not in chosen:
            exclude(project, f"d{k}")
    (change,) = preview(project, answers, chosen[0]).classes
    assert (len(change.gone), change.come, change.missing) == (1, (), 1)


def test_what_else_has_changed_shows_too(drawn) -> None:
    project, answers = drawn
    cat, (dog, other) = of_class(project, "cat")[0], of_class(project, "dog")
    pair(project, dog, other)  # the higher id stays
    shown = {one.class_key: one for one in preview(project, answers, cat).classes}
    assert shown["cat"].gone[0].item_id == cat
    assert [(one.item_id, one.reason) for one in shown["dog"].gone] == [(dog, "near-duplicate")]
    # Without the one that is kept, the other one may stay.
    shown = {one.class_key: one for one in preview(project, answers, other).classes}
    assert [(one.item_id, one.reason) for one in shown["dog"].gone] == [(other, "blacklisted")]
    assert len(shown["dog"].come) == 1


@pytest.mark.parametrize(
    ("items", "message"), [([], "No image"), (["nobody"], "no image 'nobody'")]
)
def test_images_must_be_of_the_revision(drawn, items: list[str], message: str) -> None:
    project, answers = drawn
    with pytest.raises(UsageError, match=message):
        preview(project, answers, *items)
    with pytest.raises(UsageError, match=message):
        replace_images(project, answers, "r", items, **WHO)
    with project.read() as connection:
        assert len(heads(connection)) == 1
