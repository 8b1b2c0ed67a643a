"""Cells, thinning and matched accuracy, against loops over items and draws."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.annotators import answered
from hypothesis import given, settings
from hypothesis import strategies as st

from freshset.stats.matching import (
    Cells,
    Judged,
    class_balanced,
    common_answers,
    held_out_frequencies,
    matched_accuracy,
)


def judged(selected: list[float], answers: list[float], **more) -> Judged:
    shape = (1, len(selected))
    return Judged(np.array(selected, float), np.array(answers, float), np.ones(shape, bool), **more)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=1, max_size=30))
def test_cells_hold_every_item_once(pairs: list[tuple[int, int]]) -> None:
    k = np.array([min(k, n) for k, n in pairs], float)
    n = np.array([n for _, n in pairs], float)
    cells = Cells.of(k, n, np.ones(len(k)))
    mass = cells.mass(np.ones((1, len(k))))[0]
    assert mass.sum() == pytest.approx(len(k))
    for ck, cn, weight in zip(cells.k, cells.n, mass, strict=True):
        assert weight == np.count_nonzero((k == ck) & (n == cn))


def test_half_an_answer_lies_in_two_cells() -> None:
    cells = Cells.of(np.array([2.5]), np.array([5.0]), np.array([3.0]))
    assert cells.k.tolist() == [2, 3]
    assert cells.mass(np.ones((1, 1)))[0].tolist() == [1.5, 1.5]


def test_weighted_answers_keep_their_frequency() -> None:
    cells = Cells.of(np.array([2.7]), np.array([4.5]), np.array([1.0]))
    mass = cells.mass(np.ones((1, 1)))[0]
    assert (mass * cells.k / cells.n).sum() == pytest.approx(0.6)


def test_resampled_sums_are_those_of_a_loop(rng: np.random.Generator) -> None:
    items = answered(rng, 50, 4, hard=0.5)
    weights = rng.uniform(0, 2, 50)
    cells = Cells.of(items.selected, items.answers, weights)
    draws = rng.multinomial(50, np.full(50, 0.02), size=3).astype(float)
    hits, mass = cells.hits(draws, items.correct), cells.mass(draws)
    for b in range(3):
        for c, k in enumerate(cells.k):
            here = items.selected == k
            assert mass[b, c] == pytest.approx((draws[b] * weights)[here].sum())
            for model in range(4):
                expected = (draws[b] * weights * items.correct[model])[here].sum()
                assert hits[b, c, model] == pytest.approx(expected)


def test_thinning_is_the_average_over_draws_of_answers(rng: np.random.Generator) -> None:
    cells = Cells.of(np.array([3.0]), np.array([7.0]), np.ones(1))
    answers = np.repeat([1, 0], [3, 4])
    drawn = [rng.permutation(answers)[:4].sum() for _ in range(20_000)]
    share = np.bincount(drawn, minlength=5) / 20_000
    np.testing.assert_allclose(cells.thinning(4)[0], share, atol=0.015)


def test_matched_accuracy_by_hand() -> None:
    old, new = np.array([[1.0, 3.0]]), np.array([[6.0, 2.0]])
    hits = np.array([[[3.0], [2.0]]])
    accuracy, missing = matched_accuracy(old, new, hits)
    assert accuracy[0, 0] == pytest.approx(0.25 * 0.5 + 0.75 * 1)
    assert missing[0] == 0


def test_missing_mass_is_renormalised_and_told() -> None:
    old, new = np.array([[1.0, 3.0]]), np.array([[0.0, 2.0]])
    accuracy, missing = matched_accuracy(old, new, np.array([[[0.0], [1.0]]]))
    assert accuracy[0, 0] == pytest.approx(0.5)
    assert missing[0] == pytest.approx(0.25)


def test_held_out_answers_agree_between_equal_pools_and_drop_between_others(rng) -> None:
    def check(hard: float) -> float:
        cells = []
        for share in (0.2, hard):
            items = answered(rng, 40_000, 6, hard=share)
            cell = Cells.of(items.selected, items.answers, items.weight)
            cells.append((cell, cell.mass(np.ones((1, 40_000)))))
        old, new = held_out_frequencies(*cells, 3)
        return float(old[0] - new[0])

    assert abs(check(0.2)) < 0.006
    assert check(0.6) > 0.05


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_held_out_check_is_the_average_over_splits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = answered(rng, 12, 4, hard=0.5)
    cells = Cells.of(items.selected, items.answers, items.weight)
    side = (cells, cells.mass(np.ones((1, 12))))
    old, new = held_out_frequencies(side, side, 2)
    # A set matched to itself: the mean of the other half is the mean of all answers.
    assert old[0] == pytest.approx((items.selected / 4).mean())
    assert new[0] == pytest.approx(old[0])


def test_classes_weigh_the_same() -> None:
    weights = class_balanced(np.array([3, 3, 3, 8]))
    assert weights.tolist() == pytest.approx([2 / 3] * 3 + [2])
    assert weights.mean() == pytest.approx(1)


def test_common_answers_ignores_the_few_and_the_unknown() -> None:
    many = judged([1.0] * 100, [10.0] * 96 + [2.0] * 4)
    assert common_answers(many, judged([0.0, 1], [5, 5])) == 5
    assert common_answers(many, judged([0.0, 1, 0], [12, 12, 0])) == 10
    with pytest.raises(ValueError, match="no item has answers"):
        common_answers(many, judged([0.0], [0.0]))


def test_items_with_too_few_answers_are_counted() -> None:
    kept, fewer = judged([1, 0, 2], [4, 0, 3]).with_answers(4)
    assert (len(kept.selected), fewer) == (1, 2)


def test_distribution_of_a_set_is_that_of_its_pool_where_there_is_one() -> None:
    own = judged([2.0, 2.0], [2, 2])
    assert own.distribution(2).tolist() == [0, 0, 1]
    pool = (np.array([2.0, 2, 0, 0]), np.full(4, 2.0))
    assert judged([2.0, 2.0], [2, 2], pool=pool).distribution(1).tolist() == [0.5, 0.5]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="between 0 and all"):
        judged([3], [2])
    with pytest.raises(ValueError, match="one length"):
        judged([3, 1], [4])
    with pytest.raises(ValueError, match="models, items"):
        Judged(np.zeros(2), np.ones(2), np.ones((1, 3), bool))
    with pytest.raises(ValueError, match="at least 0 an item"):
        judged([1, 1], [2, 2], weights=np.array([1.0, -1]))
    with pytest.raises(ValueError, match="between 0 and all"):
        judged([1], [2], pool=(np.array([3.0]), np.array([2.0])))
