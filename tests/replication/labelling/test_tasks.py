"""Composition of labelling tasks, and the replay of ImageNetV2's own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import RandomState

from freshset.core.errors import DataError
from freshset.replication.labelling.tasks import Controls, Grid, Task, compose, compose_originals

SMALL = Grid(10, 2, 2)


def controls(*keys: str, size: int = 30) -> dict[str, Controls]:
    return {
        key: Controls([f"{key}+{i}" for i in range(size)], [f"{key}-{i}" for i in range(size)])
        for key in keys
    }


def candidates(**sizes: int) -> list[tuple[str, str]]:
    return [(f"{key}{i}", key) for key, size in sizes.items() for i in range(size)]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
def test_rules_of_full_tail_and_short_grids(a: int, b: int, seed: int) -> None:
    tasks = compose(
        candidates(a=a, b=b), controls("a", "b"), SMALL, rng=np.random.default_rng(seed)
    )
    for key, size in (("a", a), ("b", b)):
        own = [task for task in tasks if task.class_key == key]
        assert len(own) == -(-size // 6)
        assert all(len(task.order) == 10 for task in own)
        assert all(len({item for item, _ in task.shown}) == 10 for task in own)
        shown = [item for task in own for item in task.candidates]
        assert set(shown) == {f"{key}{i}" for i in range(size)}
        if size < 6:
            missing = 6 - size
            assert len(own[0].positives) == 2 + -(-missing // 2)
            assert len(own[0].negatives) == 2 + missing // 2
        else:
            assert all(len(task.positives) == len(task.negatives) == 2 for task in own)
            # The last chunk is filled with earlier candidates, each once.
            assert shown[:size] == [f"{key}{i}" for i in range(size)]
            assert max(Counter(shown).values()) <= 2
            assert len(shown) == len(own) * 6


def test_shown_names_each_image_with_its_role() -> None:
    task = Task("a", ("x", "y"), ("p",), ("n",), (3, 0, 2, 1))
    assert task.shown == (
        ("n", "negative"),
        ("x", "candidate"),
        ("p", "positive"),
        ("y", "candidate"),
    )


def test_one_seed_gives_one_result_and_order_is_random() -> None:
    made = [
        compose(candidates(a=20), controls("a"), SMALL, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    assert made[0] == made[1] != made[2]
    # Over many tasks every place holds every role about as often.
    tasks = compose(candidates(a=6_000), controls("a"), SMALL, rng=np.random.default_rng(3))
    first = Counter(task.shown[0][1] for task in tasks)
    assert first["candidate"] / len(tasks) == pytest.approx(0.6, abs=0.05)


def test_a_short_class_takes_as_many_controls_as_there_are() -> None:
    (task,) = compose(candidates(a=1), controls("a", size=3), SMALL, rng=np.random.default_rng(0))
    assert (len(task.candidates), len(task.positives), len(task.negatives)) == (1, 3, 3)


def test_classes_without_controls_are_refused() -> None:
    with pytest.raises(DataError, match="'a' has 1 original images for 2 positive controls"):
        compose(candidates(a=9), controls("a", size=1), SMALL, rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="'b' has 0 original"):
        compose(candidates(b=9), controls("a"), SMALL, rng=np.random.default_rng(0))


def test_no_controls_may_be_asked_for() -> None:
    tasks = compose(candidates(a=12), {}, Grid(6, 0, 0), rng=np.random.default_rng(0))
    assert [len(task.order) for task in tasks] == [6, 6]


def test_tasks_about_originals_are_a_third_each() -> None:
    asked = [(f"o{i}", "a") for i in range(20)]
    stock = {"a": [f"c{i}" for i in range(100)]}
    rng = np.random.default_rng(0)
    first, second = compose_originals(asked, stock, controls("a", size=50), Grid(), rng=rng)
    sizes = [len(part) for part in (first.positives, first.candidates, first.negatives)]
    assert sizes == [16, 16, 16]
    assert set(first.positives) | set(second.positives) == {item for item, _ in asked}
    sizes = [len(part) for part in (second.positives, second.candidates, second.negatives)]
    assert sizes == [4, 22, 22]
    (task,) = compose_originals(asked[:3], {}, controls("a", size=5), Grid(), rng=rng)
    assert (len(task.candidates), len(task.negatives)) == (0, 5)
    with pytest.raises(DataError, match="0 original images for 1 negative"):
        compose_originals(asked, stock, {}, Grid(), rng=rng)


@pytest.mark.shared_data
def test_the_tasks_of_imagenetv2_are_composed_again(shared_data: Path) -> None:
    """Candidates in, tasks out: class, list to label and permutation of 5,148 real tasks."""
    root = shared_data / "imagenetv2"
    asked = [json.loads(p.read_bytes()) for p in sorted((root / "hit_candidates").glob("*.json"))]
    files = [
        json.loads(p.read_bytes()) for p in sorted((root / "mturk/hit_data_live").glob("*.json"))
    ]
    similar = json.loads((root / "metadata/wnid_to_most_similar_wnids.json").read_bytes())
    # The candidates' classes came with the search; the tasks are all that is left to tell them.
    classes = {i: hit["wnid"] for hits in files for hit in hits for i in hit["images_to_label"]}
    # Nor is it published in which order a class's 50 validation images were: places stand for them.
    places = Controls([f"+{i}" for i in range(50)], [f"-{i}" for i in range(50)])
    every = dict.fromkeys(classes.values(), places)
    same, order, seen = 0, {}, 0
    for hits in files:
        # An image of two classes was asked for the one that this file says.
        here = classes | {i: hit["wnid"] for hit in hits for i in hit["images_to_label"]}
        shown = {i for hit in hits for i in hit["images_to_label"]}
        replays = [
            replayed(compose([(i, here[i]) for i in ids], every, Grid(), rng=RandomState(0)), hits)
            for ids in asked
            # Two tasks of one file were never posted, so that its candidates are a few more.
            if shown <= set(ids) and len(ids) < 1.01 * len(shown)
        ]
        best = max(replays, key=len, default=[])
        same += len(best)
        for task, hit in best:
            # Wherever one place of one class was drawn, one and the same image must be shown.
            drawn = [(task.class_key, place) for place in task.positives]
            drawn += [(similar[task.class_key][1], place) for place in task.negatives]
            images = hit["images_pos_control"] + hit["images_neg_control"]
            for (key, place), image in zip(drawn, images, strict=True):
                seen += 1
                assert order.setdefault((key, place[1:]), image) == image
    assert same == 5_148
    assert seen == 36_320
    assert len(order) == 21_870


def replayed(tasks: list[Task], hits: list[dict[str, Any]]) -> list[tuple[Task, dict[str, Any]]]:
    """The tasks that are real ones: class, candidates in order, and the permutation of the grid."""
    made = {(task.class_key, task.candidates): task for task in tasks}
    out = []
    for hit in hits:
        task = made.get((hit["wnid"], tuple(hit["images_to_label"])))
        parts = [hit[f"images_{part}"] for part in ("to_label", "pos_control", "neg_control")]
        images = [image for part in parts for image in part]
        if (
            task
            and [len(part) for part in parts]
            == [len(task.candidates), len(task.positives), len(task.negatives)]
            and [images[place] for place in task.order] == hit["images_all"]
        ):
            out.append((task, hit))
    return out
