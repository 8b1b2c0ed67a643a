from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from freshset.core.errors import DataError, UsageError
from freshset.protocols.folds.scores import METRICS, as_labels, score_of, score_with_interval, shown
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


def test_a_longer_name_is_never_cut_to_a_label() -> None:
    labels, guess = np.array(["cat", "dog"]), np.array(["category", "dog"])
    assert score_of("accuracy")(labels, guess) == 0.5


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [
        ([0, 1], [0.2, 0.9]),
        ([0, 1], ["no", "yes"]),
        ([0, 1], [np.nan, 1.0]),
        ([0.5, 1.5], ["a", "b"]),
        ([0.5, 1.5], [np.inf, 1.0]),
    ],
)
def test_what_is_no_label_is_refused(labels: list[object], predictions: list[object]) -> None:
    with pytest.raises(DataError, match="not of the kind of the labels"):
        as_labels(np.array(labels), np.array(predictions))


def test_labels_in_another_type() -> None:
    assert as_labels(np.array([0, 1]), np.array([0.0, 1.0])).dtype.kind == "i"
    assert as_labels(np.array([0, 1]), np.array(["0", "1"])).tolist() == [0, 1]
    assert as_labels(np.array([False, True]), np.array([0, 1])).tolist() == [False, True]
    assert as_labels(np.array(["0", "1"]), np.array([0, 1])).tolist() == ["0", "1"]
    assert as_labels(np.array([0.5]), np.array([0.25])).tolist() == [0.25]


def test_a_metric_that_does_not_fit_is_named() -> None:
    with pytest.raises(DataError, match=r"have no accuracy: .*continuous"):
        score_of("accuracy")(np.array([0.5, 1.5]), np.array([0.4, 1.4]))
