from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.found import put_found
from fakes.pool import ANIMALS, add_images, animals, exclude, frequencies, pair

from freshset.core.errors import DataError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.replication.project import Project
from freshset.replication.revisions.chain import heads, load
from freshset.replication.revisions.document import Removed, Revision
from freshset.replication.revisions.review import Judgement, reviews_of, set_reviews
from freshset.replication.sampling.choose import draw_revision


@pytest.fixture
def pool(tmp_path: Path, database: str) -> Iterator[tuple[Project, Frequencies]]:
    text = ANIMALS % "strategy: random"
    with Project.create(tmp_path / "p", text, who="ada", why="x", database=database) as project:
        yield project, animals(project)


def draw(project: Project, answers: Frequencies, **options: str):
    return draw_revision(project, answers, who="ada", why="test", **options)


def document(project: Project, name: str) -> Revision:
    with project.read() as connection:
        return load(connection, name)


def test_a_revision_holds_what_it_was_drawn_from(pool) -> None:
    project, answers = pool
    exclude(project, "c0")
    pair(project, "c1", "c2")  # of two equals the higher id stays
    head = draw(project, answers)
    assert (head.name, head.state, head.parent, head.touched) == ("random-0", "draft", "", False)
    revision = document(project, "random-0")
    assert revision.digest == head.digest
    assert revision.is_valid
    assert revision.targets == {"cat": {"all": 3}, "dog": {"all": 2}}
    assert revision.eligibility == {
        "cat": {"eligible": 6, "blacklisted": 1, "near-duplicate": 1},
        "dog": {"eligible": 8},
    }
    assert not {"c0", "c1"} & {item.item_id for item in revision.items}
    assert {(item.how, item.selected, item.answers) for item in revision.items} == {
        ("drawn", 10.0, 10.0)
    }
    assert (revision.seed, revision.spec) == (7, project.spec.digest)
    entry = list(project.entries(action="revision.sample"))[-1]
    assert (entry.subject, entry.detail["digest"]) == ("random-0", head.digest)
    assert entry.detail["images"] == 5


def test_the_next_revision_replaces_only_what_went(pool) -> None:
    project, answers = pool
    draw(project, answers)
    first = document(project, "random-0")
    gone = first.items[0]
    exclude(project, gone.item_id)
    head = draw(project, answers, parent="random-0")
    assert (head.name, head.parent) == ("random-1", "random-0")
    second = document(project, "random-1")
    assert second.parent == first.digest
    left = {item.item_id for item in first.items} - {gone.item_id}
    kept = {item.item_id for item in second.items if item.how == "kept"}
    drawn = [item for item in second.items if item.how == "drawn"]
    assert kept == left
    assert [item.class_key for item in drawn] == [gone.class_key]
    assert second.removed == (Removed(gone.item_id, gone.class_key, "blacklisted"),)


def test_an_image_that_has_no_place_any_more_is_told_from_a_bad_one(pool) -> None:
    project, answers = pool
    draw(project, answers)
    project.change_spec(
        ANIMALS.replace("per_class: 3", "per_class: 1") % "strategy: random", who="ada", why="x"
    )
    draw(project, answers, parent="random-0")
    second = document(project, "random-1")
    assert [(one.class_key, one.reason) for one in second.removed] == [("cat", "surplus")] * 2
    assert second.summary()["removed"] == {"surplus": 2}


def test_good_reviews_of_unchanged_classes_are_carried_over(pool) -> None:
    project, answers = pool
    draw(project, answers)
    good = [Judgement("cat", "good"), Judgement("dog", "good")]
    set_reviews(project, "random-0", good, who="eve", why="looked")
    cat = next(i for i in document(project, "random-0").items if i.class_key == "cat")
    exclude(project, cat.item_id)
    draw(project, answers, parent="random-0")
    with project.read() as connection:
        verdicts = {one.class_key: one.verdict for one in reviews_of(connection, "random-1")}
    assert verdicts == {"cat": "open", "dog": "good"}
    assert list(project.entries(action="revision.sample"))[-1].detail["reviews_kept"] == 1


def test_a_class_with_too_few_images_makes_an_invalid_revision(pool) -> None:
    project, answers = pool
    for k in range(6):
        exclude(project, f"c{k}")
    for k in range(8):
        exclude(project, f"d{k}")
    draw(project, answers)
    revision = document(project, "random-0")
    assert not revision.is_valid
    assert revision.missing == {"cat": {"all": 1}, "dog": {"all": 2}}
    assert revision.eligibility["dog"] == {"blacklisted": 8}
    assert len(revision.items) == 2


def test_a_class_without_candidates_is_named(tmp_path: Path) -> None:
    with Project.create(
        tmp_path / "p", ANIMALS % "strategy: random", who="ada", why="x"
    ) as project:
        add_images(project, ["c0", "c1", "c2"], "cat")
        draw(project, frequencies([("c0", "cat", 10, 10)]))
        revision = document(project, "random-0")
    assert revision.eligibility == {"cat": {"eligible": 1, "few-answers": 2}, "dog": {}}
    assert revision.missing == {"cat": {"all": 2}, "dog": {"all": 2}}


def test_an_unknown_parent_is_named_and_nothing_is_written(pool) -> None:
    project, answers = pool
    draw(project, answers)
    before = list(project.entries())
    with pytest.raises(UsageError) as error:
        draw(project, answers, parent="randm-0")
    assert "random-0" in error.value.hint
    with pytest.raises(UsageError, match="does not do"):
        draw(project, answers, name="a/b")
    with pytest.raises(UsageError, match="already"):
        draw(project, answers, name="random-0", parent="random-0")
    assert list(project.entries()) == before


def test_drawing_the_same_twice_is_said(pool) -> None:
    project, answers = pool
    draw(project, answers)
    with pytest.raises(UsageError, match="gives 'random-0' again"):
        draw(project, answers)
    with project.read() as connection:
        assert len(heads(connection)) == 1


def test_frequencies_of_strange_images_are_refused(pool) -> None:
    project, _ = pool
    with pytest.raises(DataError, match="'z'"):
        draw(project, frequencies([("z", "cat", 1, 10)]))


def test_unreviewed_neighbours_keep_an_image_out(tmp_path: Path) -> None:
    text = ANIMALS % "strategy: random" + "duplicates: {thresholds: {pixels: 100}}\n"
    with Project.create(tmp_path / "p", text, who="ada", why="x") as project:
        answers = animals(project)
        ids = [f"{a}{k}" for a in "cd" for k in range(8)]
        near = {one: ({}, 100.5 if int(one[1]) < 4 else 100.0) for one in ids}
        put_found(project, "pixels", near, ids)
        draw(project, answers)
        revision = document(project, "random-0")
        assert revision.eligibility["cat"] == {"eligible": 4, "unreviewed": 4}
        assert revision.rules["reviewed_to"] == {"pixels": 100.0}
        assert {int(item.item_id[1]) for item in revision.items} <= set(range(4))


def test_nothing_is_reviewed_before_anybody_searched(tmp_path: Path) -> None:
    text = ANIMALS % "strategy: random" + "duplicates: {thresholds: {pixels: 100}}\n"
    with Project.create(tmp_path / "p", text, who="ada", why="x") as project:
        draw(project, animals(project))
        assert document(project, "random-0").eligibility["cat"] == {"unreviewed": 8}


def test_matched_frequency_says_what_came_from_above(tmp_path: Path) -> None:
    rules = "strategy: matched-frequency, upward: true, bins: [0.5], min_original_images: 2"
    with Project.create(tmp_path / "p", ANIMALS % rules, who="ada", why="x") as project:
        answers = animals(project)  # all in the upper bin
        low = []
        for letter, key in (("o", "cat"), ("p", "dog")):
            ids = [f"{letter}{k}" for k in range(2)]
            add_images(project, ids, key, pool="test")
            low += [(ids[0], key, 0.0, 10.0), (ids[1], key, 10.0, 10.0)]
        everything = frequencies(
            [
                *low,
                *zip(
                    answers.item_ids,
                    answers.class_keys,
                    answers.selected,
                    answers.answers,
                    strict=True,
                ),
            ]
        )
        draw(project, everything)
        revision = document(project, "matched-frequency-0")
        names = ("0.0 to 0.5", "0.5 to 1.0")
        # Three images in halves: the odd one goes to the higher bin.
        assert revision.targets["cat"] == dict(zip(names, (1, 2), strict=True))
        assert revision.upward == {"cat": {names[0]: 1}, "dog": {names[0]: 1}}
        assert revision.is_valid
        upward = [item for item in revision.items if item.how == "upward"]
        assert {(item.group, item.slot) for item in upward} == {(names[1], names[0])}


def test_a_class_that_left_the_spec_is_not_drawn(pool) -> None:
    project, answers = pool
    add_images(project, ["x0", "x1"], "ox")
    draw(project, answers)
    assert set(document(project, "random-0").eligibility) == {"cat", "dog"}


def test_the_order_of_answers_changes_nothing(pool) -> None:
    project, answers = pool
    draw(project, answers)
    shuffled = answers[np.random.default_rng(1).permutation(len(answers))]
    with pytest.raises(UsageError, match="again"):
        draw(project, shuffled)
    changed = replace(answers, selected=np.where(answers.item_ids == "c0", 9.0, answers.selected))
    draw(project, changed)
    one, other = document(project, "random-0"), document(project, "random-1")
    assert (one.pools != other.pools, one.policy == other.policy) == (True, True)


@pytest.mark.parametrize("looks", [True, False])
def test_a_draw_leaves_the_garbage_collector_as_it_was(pool, looks: bool) -> None:
    project, answers = pool
    if not looks:
        gc.disable()
    try:
        draw(project, answers)
        with pytest.raises(UsageError, match="again"):
            draw(project, answers)
        assert gc.isenabled() == looks
    finally:
        gc.enable()
