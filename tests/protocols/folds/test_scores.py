from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from freshset.core.errors import UsageError
from freshset.protocols.folds.scores import METRICS, score_of, score_with_interval, shown
from freshset.stats.intervals import clopper_pearson

RNG = np.random.default_rng(2)
Y = RNG.integers(0, 3, 200)
GUESS = np.where(RNG.random(200) < 0.8, Y, 0)


def test_scores_are_those_of_scikit_learn() -> None:
    assert score_of("accuracy")(Y, GUESS) == metrics.accuracy_score(Y, GUESS)
    assert score_of("f1-macro")(Y, GUESS) == metrics.f1_score(Y, GUESS, average="macro")
    assert score_of("r2")(Y, GUESS) == metrics.r2_score(Y, GUESS)
    with pytest.raises(UsageError, match="Did you mean 'accuracy'"):
        score_of("acuracy")


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_hold_the_value(metric: str) -> None:
    got = score_with_interval(metric, Y, GUESS, rng=np.random.default_rng(0), level=0.9)
    assert got.low < got.value < got.high


def test_accuracy_has_the_exact_interval() -> None:
    got = score_with_interval("accuracy", Y, GUESS, rng=np.random.default_rng(0), level=0.9)
    exact = clopper_pearson(np.sum(Y == GUESS), 200, level=0.9)
    assert (got.low, got.high) == (float(exact.low), float(exact.high))


def test_units() -> None:
    assert shown(0.931, "accuracy") == "93.1 %"
    assert shown(-0.02, "accuracy", change=True) == "-2.0 points"
    assert shown(0.12345, "mean-absolute-error") == "0.123"
