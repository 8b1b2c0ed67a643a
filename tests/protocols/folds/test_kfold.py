from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB

from freshset.core.errors import DataError, UsageError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.kfold import kfold
from freshset.protocols.folds.making import Running
from freshset.protocols.folds.splits import Scheme
from freshset.stats.crossvalidation import corrected_interval

X, Y = make_classification(300, n_features=6, flip_y=0.2, random_state=0)
DATA, OFFICIAL = Data(X[:200], Y[:200], name="folds"), Data(X[200:], Y[200:], name="official")
SCHEME = Scheme("stratified", 4, 3, seed=1)


def test_scores_are_those_of_scikit_learn() -> None:
    got = kfold(GaussianNB(), DATA, SCHEME)
    cut = RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=1)
    assert got.scores == pytest.approx(cross_val_score(GaussianNB(), DATA.x, DATA.y, cv=cut))
    assert got.mean == corrected_interval(got.scores, n_train=150, n_test=50)
    assert got.naive.high - got.naive.low < got.mean.high - got.mean.low
    assert got.repeat_means == pytest.approx(np.reshape(got.scores, (3, 4)).mean(axis=1))
    assert [(f.n_train, f.n_test) for f in got.folds] == [(150, 50)] * 12


def test_the_official_set_is_read_after_the_last_fold_and_once() -> None:
    events: list[str] = []

    def official() -> Data:
        events.append("official")
        return OFFICIAL

    got = kfold(GaussianNB(), DATA, SCHEME, official=official, step=events.append)
    assert events[-1] == "official"
    assert len(events) == 13
    assert got.official is not None
    right = GaussianNB().fit(DATA.x, DATA.y).score(OFFICIAL.x, OFFICIAL.y)
    assert got.official.score.value == pytest.approx(right)
    assert got.official.gap.value == pytest.approx(got.mean.value - right)
    with pytest.raises(DataError, match="the folds were cut from"):
        kfold(GaussianNB(), DATA, SCHEME, official=replace(DATA, name="same"))


def test_a_store_keeps_folds_and_the_opening(tmp_path: Path) -> None:
    alone = kfold(GaussianNB(), DATA, SCHEME, official=OFFICIAL)
    running = Running(store=tmp_path)
    first = kfold(GaussianNB(), DATA, SCHEME, official=OFFICIAL, running=running)
    assert first == alone
    steps: list[str] = []
    again = kfold(GaussianNB(), DATA, SCHEME, official=OFFICIAL, running=running, step=steps.append)
    assert steps == []
    assert again.official is not None
    assert again.official.before
    assert again == replace(alone, official=replace(alone.official, before=True))
    other = kfold(GaussianNB(var_smoothing=1), DATA, SCHEME, official=OFFICIAL, running=running)
    assert other.official is not None
    assert (other.official.before, other.official.openings) == (False, 2)
    assert "knows of 2 openings of this set" in " ".join(other.findings)


def test_regression_and_unseeded_learners() -> None:
    data = Data(X, X @ np.arange(6.0))
    got = kfold(Ridge(), data, Scheme("plain", 5, 2), running=Running("mean-squared-error"))
    assert got.mean.value < 0.1
    forest = kfold(RandomForestClassifier(2), DATA, Scheme("plain", 2, 1))
    assert "random_state=None" in forest.warnings[0]
    with pytest.raises(UsageError, match="Unknown metric"):
        kfold(Ridge(), data, Scheme("plain"), running=Running("mse"))


def test_no_upper_limit_above_one() -> None:
    # One fold of 25 examples misses one: the symmetric interval would end above 1.
    x = np.r_[np.zeros(50), np.ones(50)][:, None]
    y = np.r_[np.zeros(49), np.ones(51)].astype(int)
    got = kfold(GaussianNB(), Data(x, y), Scheme("stratified", 4, 1))
    assert got.mean.high == 1.0


def test_classes_that_only_the_official_set_has_are_told() -> None:
    official = Data(OFFICIAL.x, np.where(np.arange(100) < 25, 7, OFFICIAL.y), name="new")
    got = kfold(GaussianNB(), DATA, Scheme("stratified", 4, 1), official=official)
    (warning,) = got.warnings
    assert warning == (
        "new has 1 classes that folds lacks, such as 7: 25.0 % of its examples cannot be right."
    )
