"""Permutation tests against enumeration of every exchange."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from freshset.stats.paired import mcnemar_exact
from freshset.stats.sign_flips import discordant_by_class, flip_test_exact, flip_test_sampled


def enumerated(terms: np.ndarray) -> float:
    """Share of all exchanges of items whose sum is as far from 0."""
    signs = np.array(list(itertools.product([1, -1], repeat=len(terms))))
    far = np.abs(signs @ terms) >= abs(terms.sum()) - 1e-12
    return float(far.mean())


@pytest.mark.parametrize("seed", range(8))
def test_exact_is_what_enumeration_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences = rng.integers(-3, 5, size=12)
    moved = differences[differences != 0].astype(float)
    assert flip_test_exact(differences) == pytest.approx(enumerated(moved), abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 5), (7, 7), (30, 12), (400, 330), (1, 0)])
def test_exact_with_ones_is_mcnemar(b: int, c: int) -> None:
    differences = np.repeat([1, -1, 0], [b, c, 9])
    assert flip_test_exact(differences) == pytest.approx(float(mcnemar_exact(b, c)), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_sampled_is_near_what_enumeration_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [3, 5, 7])
    first, second = rng.random((2, 15)) < [[0.8], [0.5]]
    up, down, weights = discordant_by_class(first, second, labels)
    each = weights[labels] * (first.astype(float) - second)
    exact = enumerated(each[each != 0]) if each.any() else 1.0
    p = flip_test_sampled(up, down, weights, rng=rng, n_draws=20_000)
    assert p == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 20_000))
    # The sum that is tested is the difference of the means of per-class accuracies.
    means = [np.mean([row[labels == c].mean() for c in range(3)]) for row in (first, second)]
    assert (up - down) @ weights == pytest.approx(means[0] - means[1])


def test_sampled_as_exchanging_items_by_hand(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 20, 400)
    first, second = rng.random(400) < 0.8, rng.random(400) < 0.75
    up, down, weights = discordant_by_class(first, second, labels)
    p = flip_test_sampled(up, down, weights, rng=rng, n_draws=40_000)
    each = (first.astype(float) - second) / (20 * np.bincount(labels)[labels])
    signs = rng.choice([-1.0, 1.0], size=(40_000, 400))
    slow = (np.abs(signs @ each) >= abs(each.sum()) - 1e-12).mean()
    assert p == pytest.approx(slow, abs=4 * np.sqrt(0.5 / 40_000))


def test_level_is_kept_under_no_difference() -> None:
    rng = np.random.default_rng(3)
    labels, p = np.repeat(np.arange(5), 12), []
    for _ in range(400):
        both = rng.random(60) < 0.6
        first, second = (np.where(rng.random(60) < 0.5, both, rng.random(60) < 0.6) for _ in "ab")
        groups = discordant_by_class(first, second, labels)
        p.append(flip_test_sampled(*groups, rng=rng, n_draws=400))
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.12)


def test_no_difference_is_certain() -> None:
    assert flip_test_exact(np.zeros(5)) == 1
    assert flip_test_exact(np.zeros(0)) == 1
    rng = np.random.default_rng(0)
    assert flip_test_sampled([0, 0], [0, 0], [1, 1], rng=rng, n_draws=10) == 1


def test_what_cannot_be_tested_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="whole"):
        flip_test_exact([0.5])
    with pytest.raises(ValueError, match="too many"):
        flip_test_exact(np.full(1000, 1000))
    with pytest.raises(ValueError, match="negative"):
        flip_test_sampled([-1], [1], [1], rng=rng)
    with pytest.raises(ValueError, match="one length"):
        flip_test_sampled([1, 2], [1, 1], [1], rng=rng)
    with pytest.raises(ValueError, match="draw"):
        flip_test_sampled([1], [1], [1], rng=rng, n_draws=0)
