"""Splits keep classes, give the share that was asked for, and depend on their seed only."""

from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.transfer.datasets.base import Division
from freshset.transfer.datasets.splitting import divide, hold_out


def test_every_class_gives_its_share() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    train, held = hold_out(labels, 0.2, seed=3)
    assert np.bincount(labels[held]).tolist() == [10, 6, 4]
    assert sorted([*train, *held]) == list(range(100))
    again = hold_out(labels, 0.2, seed=3)
    other = hold_out(labels, 0.2, seed=4)
    np.testing.assert_array_equal(held, again[1])
    assert not np.array_equal(held, other[1])


@pytest.mark.parametrize("share", [0.1, 0.2, 0.33, 0.5])
def test_rounding_changes_neither_the_total_nor_the_shares(share: float) -> None:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(40), rng.integers(2, 30, 40)))
    _, held = hold_out(labels, share, seed=0)
    counts, given = np.bincount(labels), np.bincount(labels[held], minlength=40)
    assert len(held) == round(share * len(labels))
    assert (np.abs(given - share * counts) < 1).all()


def test_a_class_of_one_item_keeps_it() -> None:
    labels = np.array([0] * 9 + [1] + [3] * 10)  # class 2 has none
    for seed in range(20):
        train, _ = hold_out(labels, 0.5, seed)
        assert set(labels[train].tolist()) == {0, 1, 3}


def test_without_strata_the_draw_is_of_all_items() -> None:
    labels = np.repeat([0, 1], 50)
    counts = [np.bincount(labels[hold_out(labels, 0.2, s, stratified=False)[1]]) for s in range(9)]
    assert all(count.sum() == 20 for count in counts)
    assert len({tuple(count) for count in counts}) > 1


def test_items_of_several_classes() -> None:
    rng = np.random.default_rng(1)
    shown = rng.random((60, 8)) < 0.15
    shown[:, 7] = False
    shown[5] = True  # the only item of the last class
    train, held = hold_out(shown, 0.25, seed=0)
    assert len(held) == 15
    assert 5 in train
    assert shown[train].any(axis=0).all()


def test_nothing_is_left() -> None:
    with pytest.raises(DataError, match="20% of 2 items cannot be held out: 0 would be"):
        hold_out(np.array([0, 1]), 0.2, seed=0)
    with pytest.raises(DataError, match="cannot be held out"):
        hold_out(np.array([0, 0]), 0.9, seed=0, stratified=False)


def test_so_many_of_each_class() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), [31, 40, 60, 90, 30]))
    train, test = divide(labels, Division(per_class=30))
    assert np.bincount(labels[train]).tolist() == [30] * 5
    assert np.bincount(labels[test], minlength=5).tolist() == [1, 10, 30, 60, 0]
    assert not set(train) & set(test)
    np.testing.assert_array_equal(train, divide(labels, Division(per_class=30))[0])
    assert not np.array_equal(train, divide(labels, Division(per_class=30, seed=1))[0])


def test_too_few_of_a_class() -> None:
    with pytest.raises(DataError, match="1 classes have fewer than 3 images; class 1 has 2"):
        divide(np.array([0, 0, 0, 0, 1, 1]), Division(per_class=3))
    with pytest.raises(DataError, match="No image is left"):
        divide(np.array([0, 0, 1, 1]), Division(per_class=2))
    with pytest.raises(DataError, match="cannot be drawn of images of several classes"):
        divide(np.eye(3, dtype=bool), Division(per_class=1))


def test_a_share_of_one_set() -> None:
    labels = np.repeat(np.arange(4), 10)
    train, test = divide(labels, Division(share=0.3))
    assert np.bincount(labels[test]).tolist() == [3, 3, 3, 3]
    assert len(train) == 28
