from __future__ import annotations

import numpy as np
import pytest

from freshset.stats.multiplicity import adjust
from freshset.stats.paired import mcnemar_exact
from freshset.stats.tie_groups import groups_of_answers, groups_of_scores, tie_groups


def test_scores_far_apart_are_groups_and_near_ones_are_not() -> None:
    scores = np.array([0.70, 0.95, 0.94, 0.71, 0.30])
    assert groups_of_scores(scores, 500).tolist() == [2, 1, 1, 2, 3]
    # On few examples nothing is told apart but the worst.
    assert groups_of_scores(scores, 20).tolist() == [1, 1, 1, 1, 2]
    assert groups_of_scores(np.zeros(0), 20).tolist() == []


def test_scores_out_of_range_and_equal_ones() -> None:
    assert groups_of_scores(np.array([1.02, 1.0, -0.01]), 100).tolist() == [1, 1, 2]


def test_paired_answers_tell_more_apart_than_scores() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(1_000) < 0.80
    second = first.copy()
    second[np.flatnonzero(first)[:20]] = False  # never better, 2 points worse
    correct = np.stack([second, first])
    assert groups_of_answers(correct).tolist() == [2, 1]
    assert groups_of_scores(correct.mean(axis=1), 1_000).tolist() == [1, 1]


def test_holm_is_over_all_that_are_compared_with_a_best() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(300) < 0.8
    correct = [base]
    for flips in range(2, 14, 2):
        one = base.copy()
        one[np.flatnonzero(base)[:flips]] = False
        correct.append(one)
    table = np.stack(correct)
    p = mcnemar_exact(
        np.count_nonzero(table[0] & ~table[1:], axis=1),
        np.count_nonzero(~table[0] & table[1:], axis=1),
    )
    groups = groups_of_answers(table)
    assert ((groups[1:] == 1) == (adjust(p) > 0.05)).all()
    assert (p < 0.05).sum() > (adjust(p) < 0.05).sum() > 0


@pytest.mark.parametrize("seed", range(20))
def test_every_group_ties_with_its_own_best_and_leaders_come_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random(12)
    groups = groups_of_scores(scores, 200)
    assert groups[scores.argmax()] == 1
    assert set(groups) == set(range(1, groups.max() + 1))
    best = [scores[groups == k].max() for k in range(1, groups.max() + 1)]
    assert best == sorted(best, reverse=True)


def test_equal_scores_keep_their_order() -> None:
    seen = []

    def compare(one: int, others: np.ndarray) -> np.ndarray:
        seen.append((one, others.tolist()))
        return np.zeros(len(others))

    assert tie_groups(np.array([0.5, 0.7, 0.5]), compare).tolist() == [2, 1, 3]
    assert seen == [(1, [0, 2]), (0, [2])]
