from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.pool import ANIMALS, add_images, animals, exclude, pair
from PIL import Image

from freshset.core.errors import UsageError
from freshset.core.frequencies import Frequencies
from freshset.datasets.base import TestSetRef
from freshset.datasets.manifest import Manifest
from freshset.replication.project import Project
from freshset.replication.revisions.chain import heads, load, verify
from freshset.replication.revisions.freeze import (
    freeze,
    problems_of,
    unfreeze,
    write_manifest,
)
from freshset.replication.revisions.freeze import testset_of as frozen_testset
from freshset.replication.revisions.review import Judgement, reviews_of, set_reviews
from freshset.replication.sampling.choose import draw_revision

SPEC = ANIMALS % "strategy: random"
WHO = {"who": "ada", "why": "test"}


def draw(project: Project, answers: Frequencies, name: str, parent: str = "") -> None:
    draw_revision(project, answers, name=name, parent=parent, **WHO)


def approve(project: Project, name: str) -> None:
    with project.read() as connection:
        reviews = reviews_of(connection, name)
    good = [Judgement(one.class_key, "good", one.version) for one in reviews]
    set_reviews(project, name, good, **WHO)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[tuple[Project, Frequencies]]:
    with Project.create(tmp_path / "p", SPEC, **WHO) as project:
        answers = animals(project)
        draw(project, answers, "r0")
        yield project, answers


def checks(project: Project, name: str) -> list[str]:
    with project.read() as connection:
        return [one.check for one in problems_of(connection, name)]


def items(project: Project, name: str) -> list[str]:
    with project.read() as connection:
        return [item.item_id for item in load(connection, name).items]


def states(project: Project) -> dict[str, tuple[str, bool]]:
    with project.read() as connection:
        return {one.name: (one.state, one.touched) for one in heads(connection)}


def test_a_reviewed_valid_revision_freezes(pool) -> None:
    project, _ = pool
    assert checks(project, "r0") == ["reviews"]
    with pytest.raises(UsageError, match=r"2 not reviewed \(cat, dog\)") as error:
        freeze(project, "r0", **WHO)
    assert "freshset testset review r0" in error.value.hint
    approve(project, "r0")
    assert checks(project, "r0") == []
    assert freeze(project, "r0", **WHO).state == "frozen"
    with pytest.raises(UsageError, match="frozen already"):
        freeze(project, "r0", **WHO)


def test_predictions_are_for_frozen_revisions(pool, tmp_path: Path) -> None:
    project, _ = pool
    for use in (
        lambda: frozen_testset(project, "r0"),
        lambda: write_manifest(project, "r0", tmp_path),
    ):
        with pytest.raises(UsageError, match="draft"):
            use()
    approve(project, "r0")
    freeze(project, "r0", **WHO)
    testset = frozen_testset(project, "r0")
    assert (testset.id, testset.n, testset.class_keys) == ("animals/fresh/r0", 5, ("cat", "dog"))
    assert testset.ids.tolist() == items(project, "r0")
    assert [testset.class_keys[label][0] for label in testset.known_labels] == [
        item[0] for item in testset.ids
    ]


def test_labels_are_those_of_the_spec_of_the_draw(pool) -> None:
    project, _ = pool
    approve(project, "r0")
    freeze(project, "r0", **WHO)
    before = frozen_testset(project, "r0")
    cat, dog = (line for line in SPEC.splitlines() if "key:" in line)
    swapped = SPEC.replace(cat, "@").replace(dog, cat).replace("@", dog)
    project.change_spec(swapped, **WHO)
    assert frozen_testset(project, "r0").fingerprint == before.fingerprint


def test_what_speaks_against_it_is_named_all_at_once(pool) -> None:
    project, answers = pool
    for k in range(8):
        exclude(project, f"d{k}")
    draw(project, answers, "r1")
    exclude(project, items(project, "r1")[0])
    set_reviews(project, "r1", [Judgement("cat", "problematic")], **WHO)
    assert checks(project, "r1") == ["excluded", "incomplete", "reviews"]
    with pytest.raises(UsageError) as error:
        freeze(project, "r1", allow_incomplete="no dogs to be had", **WHO)
    # A reason does not outweigh an excluded image.
    assert "1 of its images are excluded" in str(error.value)
    assert "images lack" not in str(error.value)
    assert states(project)["r1"] == ("draft", False)


def test_an_incomplete_revision_freezes_for_a_reason(pool) -> None:
    project, answers = pool
    for k in range(8):
        exclude(project, f"d{k}")
    draw(project, answers, "r1")
    approve(project, "r1")
    with pytest.raises(UsageError, match=r"2 images lack in 1 classes \(dog\)"):
        freeze(project, "r1", **WHO)
    freeze(project, "r1", allow_incomplete="no dogs to be had", **WHO)
    entry = list(project.entries(action="revision.freeze"))[-1]
    assert entry.detail["allow_incomplete"] == "no dogs to be had"
    assert "2 images lack" in entry.detail["waived"][0]


def test_duplicates_stop_it(pool) -> None:
    project, _ = pool
    approve(project, "r0")
    a, b = sorted(items(project, "r0"))[:2]
    pair(project, a, b)
    with pytest.raises(UsageError, match=f"1 duplicates .* {a} and {b}"):
        freeze(project, "r0", allow_incomplete="never mind", **WHO)
    pair(project, a, b, "cut")
    assert checks(project, "r0") == []
    add_images(project, [a], "cat", pool="test")
    assert checks(project, "r0") == ["duplicates"]


def test_a_changed_spec_needs_a_reason(pool) -> None:
    project, _ = pool
    approve(project, "r0")
    project.change_spec(SPEC.replace("It purrs", "It meows"), **WHO)
    assert checks(project, "r0") == ["reviews", "spec"]
    with pytest.raises(UsageError, match="1 reviewed under another definition .cat."):
        freeze(project, "r0", **WHO)


def test_unfreezing_marks_it_and_what_comes_from_it_for_ever(pool) -> None:
    project, answers = pool
    approve(project, "r0")
    freeze(project, "r0", **WHO)
    exclude(project, items(project, "r0")[0])
    draw(project, answers, "r1", "r0")
    draw(project, answers, "apart")
    assert unfreeze(project, "r0", **WHO) == ("r0", "r1")
    exclude(project, items(project, "r1")[0])
    draw(project, answers, "r2", "r1")  # later ones too
    assert states(project) == {
        "r0": ("draft", True), "r1": ("draft", True), "r2": ("draft", True), "apart": ("draft", False),
    }  # fmt: skip
    approve(project, "r2")
    assert freeze(project, "r2", **WHO).touched
    with pytest.raises(UsageError, match="not frozen"):
        unfreeze(project, "r0", **WHO)
    assert list(project.entries(action="revision.unfreeze"))[-1].detail["touched"] == ["r0", "r1"]


def test_a_taken_down_image_is_told_and_the_rest_can_be_run(pool, tmp_path: Path) -> None:
    project, _ = pool
    approve(project, "r0")
    freeze(project, "r0", **WHO)
    for item in items(project, "r0"):
        path = project.folder / "images" / f"{item}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    gone = items(project, "r0")[1]
    exclude(project, gone, kind="takedown")
    assert verify(project, "r0").tombstones == (gone,)
    assert frozen_testset(project, "r0").n == 5  # what was stored can still be read
    table = tmp_path / "r0.csv"
    assert write_manifest(project, "r0", table) == (gone,)
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["id"] for row in rows] == [i for i in items(project, "r0") if i != gone]
    options = {"root": str(project.folder), "classes": ["cat", "dog"], "labels": "class"}
    ref = TestSetRef("animals/fresh/r0", "manifest", str(table), options, tmp_path)
    opened = Manifest().open(ref).testset
    whole = frozen_testset(project, "r0")
    here = whole.ids != gone
    assert opened.ids.tolist() == whole.ids[here].tolist()
    assert opened.known_labels.tolist() == whole.known_labels[here].tolist()
    assert opened.strata["group"].tolist() == ["all"] * 4
