from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from freshset.stats.changes import mean_change


def test_the_mean_and_its_interval_are_those_of_welch(rng: np.random.Generator) -> None:
    old, new = rng.random((7, 4_000)) < 0.8, rng.random((7, 3_000)) < 0.7
    found = mean_change(old, new)
    shares = new.mean(axis=0), old.mean(axis=0)
    oracle = stats.ttest_ind(*shares, equal_var=False).confidence_interval()
    assert found.value == pytest.approx(new.mean() - old.mean())
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-4)
    assert found.high < 0


def test_models_that_err_together_make_the_interval_no_narrower(rng: np.random.Generator) -> None:
    old, new = rng.random((1, 500)) < 0.8, rng.random((1, 500)) < 0.7
    one = mean_change(old, new)
    many = mean_change(np.repeat(old, 50, axis=0), np.repeat(new, 50, axis=0))
    assert (many.low, many.high) == pytest.approx((one.low, one.high))


def test_the_interval_holds_the_truth_as_often_as_it_says(rng: np.random.Generator) -> None:
    hits = 0
    for _ in range(400):
        sets = []
        for mean in (0.9, 0.6):
            # Items differ in difficulty, so that the models err on the same ones.
            right = rng.beta(4 * mean, 4 * (1 - mean), size=300)
            sets.append(rng.random((5, 300)) < right)
        found = mean_change(*sets)
        hits += found.low <= -0.3 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_one_item_has_no_interval() -> None:
    found = mean_change(np.array([[True]]), np.array([[False, True]]))
    assert found.value == -0.5
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (np.ones((2, 3), bool), np.ones((1, 3), bool)),
        (np.ones((0, 3), bool), np.ones((0, 3), bool)),
        (np.ones((2, 0), bool), np.ones((2, 3), bool)),
    ],
)
def test_other_models_or_nothing_at_all_have_no_mean(old: np.ndarray, new: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"models on the old|needs a model"):
        mean_change(old, new)


def test_a_level_must_be_a_level() -> None:
    with pytest.raises(ValueError, match="level"):
        mean_change(np.ones((1, 3), bool), np.ones((1, 3), bool), level=1.0)
