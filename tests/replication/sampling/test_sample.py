from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.replication.sampling.draws import Stratified, Top
from freshset.replication.sampling.sample import draw_sample, shuffled, unshuffled
from freshset.replication.sampling.stocks import Stock


def stock(key: str, groups: list[int]) -> Stock:
    ids = [f"{key}{k}" for k in range(len(groups))]
    return Stock(key, ids, groups, [False] * len(groups), [5.0] * len(groups), [10.0] * len(groups))


def test_a_sample_counts_what_it_lacks_and_what_came_from_above() -> None:
    stocks = [stock("dog", [1, 1, 1, 1]), stock("cat", [0, 0])]
    targets = {"dog": (2, 1), "cat": (1, 2), "lynx": (0, 1)}
    sample = draw_sample(Stratified(upward=True), stocks, targets, Random(0))
    assert sample.missing == {"cat": (0, 2), "lynx": (0, 1)}
    assert sample.upward == {"dog": (2, 0)}
    assert not sample.is_valid
    assert sorted(pick.class_key for pick in sample.picks) == ["cat", "dog", "dog", "dog"]


def test_a_full_sample_is_valid_and_its_order_is_random() -> None:
    stocks = [stock("cat", [0] * 50), stock("dog", [0] * 50)]
    sample = draw_sample(Stratified(), stocks, {"cat": (20,), "dog": (20,)}, Random(0))
    assert sample.is_valid
    classes = [pick.class_key for pick in sample.picks]
    assert classes != sorted(classes)


def test_the_order_of_classes_and_stocks_does_not_matter() -> None:
    stocks = [stock("cat", [0] * 9), stock("dog", [0] * 9)]
    one = draw_sample(Stratified(), stocks, {"cat": (3,), "dog": (4,)}, Random(7))
    other = draw_sample(Stratified(), stocks[::-1], {"dog": (4,), "cat": (3,)}, Random(7))
    assert one == other


@given(st.lists(st.integers()), st.integers(0, 2**40))
def test_a_shuffle_can_be_undone(things: list[int], seed: int) -> None:
    assert unshuffled(shuffled(things, Random(seed)), Random(seed)) == things


def archive(shared_data: Path, name: str) -> dict:
    path = shared_data / "imagenetv2" / "datasets" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.shared_data
@pytest.mark.parametrize("revision", range(13))
def test_top_images_are_drawn_again(shared_data: Path, revision: int) -> None:
    """T2: the stored seed un-shuffles every revision of TopImages into classes, best image first.

    That order, given as frequencies, makes the strategy draw the revision again, row by row.
    """
    document = archive(shared_data, f"imagenetv2-c-{revision}")
    rows = [tuple(row) for row in document["image_filenames"]]
    ordered = unshuffled(rows, Random(document["seed"]))
    classes = [key for _, key in ordered]
    assert classes == sorted(classes)
    by_class: dict[str, list[str]] = {}
    for item, key in ordered:
        by_class.setdefault(key, []).append(item)
    stocks = [
        Stock(
            key,
            ids,
            [0] * len(ids),
            [False] * len(ids),
            list(range(len(ids), 0, -1)),
            [10] * len(ids),
        )
        for key, ids in by_class.items()
    ]
    targets = {key: (len(ids),) for key, ids in by_class.items()}
    sample = draw_sample(Top(), stocks, targets, Random(document["seed"]))
    assert [(pick.item_id, pick.class_key) for pick in sample.picks] == rows


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "words"), [("imagenetv2-a-44", 13), ("imagenetv2-b-33", 253)])
def test_released_shuffles_follow_their_draws(shared_data: Path, name: str, words: int) -> None:
    """R3: after as many random words as the draws took, the seed un-shuffles the released sets."""
    document = archive(shared_data, name)
    rng = Random(document["seed"])
    for _ in range(words):
        rng.getrandbits(32)
    classes = [key for _, key in unshuffled(document["image_filenames"], rng)]
    assert classes == sorted(classes)
    assert len(classes) == 10_000
