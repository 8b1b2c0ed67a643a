from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from freshset.models.training.draws import Order, augmentation_draws, network_seed


@pytest.mark.parametrize(("n", "batch"), [(10, 4), (7, 7), (3, 16), (1, 5), (20, 1)])
def test_every_item_is_seen_as_often_as_any_other(n: int, batch: int) -> None:
    order = Order(n, batch, seed=0)
    seen = [order.places(step) for step in range(25)]
    assert all(len(places) == batch for places in seen)
    joined = np.concatenate(seen)
    for start in range(0, len(joined) - n + 1, n):
        assert sorted(joined[start : start + n]) == list(range(n))
    counts = Counter(joined.tolist())
    assert len(counts) == n
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_step_is_the_same_whatever_was_asked_before() -> None:
    one = Order(10, 4, seed=5)
    forwards = [one.places(step).tolist() for step in range(12)]
    other = Order(10, 4, seed=5)
    assert [other.places(step).tolist() for step in reversed(range(12))] == forwards[::-1]
    assert [Order(10, 4, seed=6).places(step).tolist() for step in range(12)] != forwards


def test_passes_differ() -> None:
    order = Order(50, 50, seed=0)
    assert order.places(0).tolist() != order.places(1).tolist()


def test_draws_are_functions_of_seed_and_step() -> None:
    one = augmentation_draws(1, 2, (3, 4))
    assert one.shape == (3, 4)
    assert ((one >= 0) & (one < 1)).all()
    np.testing.assert_array_equal(one, augmentation_draws(1, 2, (3, 4)))
    seeds = [
        network_seed(seed, step, part) for seed in (0, 1) for step in (0, 1) for part in (0, 1)
    ]
    assert len({*seeds}) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    for other in (augmentation_draws(2, 2, (3, 4)), augmentation_draws(1, 3, (3, 4))):
        assert (one != other).all()
