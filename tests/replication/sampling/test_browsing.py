from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.pool import ANIMALS, add_images, exclude, frequencies, pair

from freshset.core.errors import NotFoundError, UsageError
from freshset.replication.project import Project
from freshset.replication.sampling.browsing import (
    Bar,
    ClassPool,
    Pool,
    Wanted,
    bars_of,
    leaf,
    pool_of,
    spread_of,
    states_of,
)
from freshset.replication.sampling.choose import read_ground

MATCHED = "strategy: matched-frequency, min_answers: 2, min_original_images: 1, bins: [0.3, 0.7]"
ANSWERS = [("c1", 0, 10), ("c2", 3, 10), ("c3", 7, 10), ("c4", 10, 10), ("c5", 1, 1), ("c6", 9, 10)]


def make_pool(project: Project, *, originals: bool = True) -> Pool:
    add_images(project, [f"c{k}" for k in range(8)], "cat")
    add_images(project, ["d0"], "dog")
    rows = [(item, "cat", yes, n) for item, yes, n in ANSWERS]
    if originals:
        for key, ids in (("cat", "uvw"), ("dog", "xyz")):
            add_images(project, ids, key, pool="test")
            rows += [(item, key, yes, 10) for item, yes in zip(ids, (10, 5, 10), strict=True)]
    exclude(project, "c4")
    pair(project, "c6", "c3")
    with project.read() as connection:
        return pool_of(connection, read_ground(connection, frequencies(rows)))


@pytest.fixture
def pool(tmp_path: Path, database: str):
    text = ANIMALS % MATCHED
    with Project.create(tmp_path / "p", text, who="ada", why="x", database=database) as project:
        yield make_pool(project)


def ids(pool: ClassPool, **wanted: object) -> list[str]:
    return [one.item_id for one in leaf(pool, Wanted(**wanted)).images]


def test_images_with_what_is_known_of_them(pool: Pool) -> None:
    found = leaf(pool.of_class("cat"), Wanted())
    assert (found.total, found.start) == (8, 0)
    assert [(one.item_id, one.value, one.reason) for one in found.images] == [
        ("c4", 1.0, "blacklisted"),
        ("c5", 1.0, "few-answers"),
        ("c6", 0.9, ""),
        ("c3", 0.7, "near-duplicate"),
        ("c2", 0.3, ""),
        ("c1", 0.0, ""),
        ("c0", None, "few-answers"),
        ("c7", None, "few-answers"),
    ]
    assert found.images[3].to_dict()["frequency"] == 0.7
    assert leaf(pool.of_class("dog"), Wanted()).total == 1


def test_orders_and_pages(pool: Pool) -> None:
    cat = pool.of_class("cat")
    assert ids(cat, order="id") == [f"c{k}" for k in range(8)]
    assert ids(cat, order="lowest") == ["c1", "c2", "c3", "c6", "c4", "c5", "c0", "c7"]
    page = leaf(cat, Wanted(order="id"), start=3, most=2)
    assert ([one.item_id for one in page.images], page.total) == (["c3", "c4"], 8)
    assert leaf(cat, Wanted(), start=100).images == ()


def test_a_range_holds_both_its_ends(pool: Pool) -> None:
    cat = pool.of_class("cat")
    assert ids(cat, low=0.3, high=0.7) == ["c3", "c2"]
    assert ids(cat, low=0.0, high=0.3) == ["c2", "c1"]
    assert ids(cat, low=0.9, high=1.0) == ["c4", "c5", "c6"]
    assert ids(cat, low=0.31, high=0.69) == []


def test_states(pool: Pool) -> None:
    cat = pool.of_class("cat")
    assert states_of(cat) == {
        "all": 8, "eligible": 3, "unlabelled": 2, "blacklisted": 1, "few-answers": 3,
        "near-duplicate": 1,
    }  # fmt: skip
    for state, number in states_of(cat).items():
        assert leaf(cat, Wanted(state=state)).total == number
    assert ids(cat, state="near-duplicate") == ["c3"]


def test_target_against_stock(pool: Pool) -> None:
    assert bars_of(pool, "cat") == (
        Bar("0.0 to 0.3", 0, 1, 0), Bar("0.3 to 0.7", 1, 1, 0), Bar("0.7 to 1.0", 2, 1, 3),
    )  # fmt: skip
    assert [one.missing for one in bars_of(pool, "cat")] == [0, 0, 1]
    assert [one.missing for one in bars_of(pool, "dog")] == [0, 1, 1]


def test_the_spread_is_by_tenths(pool: Pool) -> None:
    bars = spread_of(pool.of_class("cat"))
    assert len(bars) == 10
    assert [(one.stock, one.others) for one in bars] == [
        (1, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (0, 0), (0, 1), (0, 0), (1, 2),
    ]  # fmt: skip
    assert {one.target for one in bars} == {None}


def test_there_is_a_pool_before_there_is_a_plan(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ANIMALS % MATCHED, who="ada", why="x") as project:
        pool = make_pool(project, originals=False)
    assert pool.plan is None
    assert "fewer than 1 original images" in pool.lacking
    assert [(one.target, one.stock) for one in bars_of(pool, "cat")] == [
        (None, 1), (None, 1), (None, 1),
    ]  # fmt: skip


def test_strategies_without_bins_have_one_group(tmp_path: Path) -> None:
    text = ANIMALS % "strategy: threshold, threshold: 0.5, min_answers: 2"
    with Project.create(tmp_path / "p", text, who="ada", why="x") as project:
        pool = make_pool(project)
    assert bars_of(pool, "cat") == (Bar("all", 3, 1, 5),)
    assert states_of(pool.of_class("cat"))["below-threshold"] == 2


@pytest.mark.parametrize(
    "wanted",
    [Wanted(low=0.6, high=0.5), Wanted(high=1.5), Wanted(low=float("nan")), Wanted(state="x"),
     Wanted(order="x")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wanted: Wanted, pool: Pool) -> None:
    with pytest.raises(UsageError):
        leaf(pool.of_class("cat"), wanted)


def test_an_unknown_class_is_named(pool: Pool) -> None:
    with pytest.raises(NotFoundError, match="No class 'cow'"):
        pool.of_class("cow")
    assert np.all(pool.of_class("cat").rows.class_keys == "cat")


def test_an_old_ground_has_what_reviewers_say_now(tmp_path: Path, database: str) -> None:
    text = ANIMALS % MATCHED
    with Project.create(tmp_path / "p", text, who="ada", why="x", database=database) as project:
        make_pool(project)
        rows = [(item, "cat", yes, n) for item, yes, n in ANSWERS]
        with project.read() as connection:
            ground = read_ground(connection, frequencies(rows))
        exclude(project, "c2")
        pair(project, "c6", "c3", "different")
        with project.read() as connection:
            old = pool_of(connection, ground)
            new = pool_of(connection, read_ground(connection, frequencies(rows)))
    assert states_of(old.of_class("cat")) == states_of(new.of_class("cat"))
    assert "near-duplicate" not in states_of(old.of_class("cat"))
