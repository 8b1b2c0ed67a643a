from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB

from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.kfold import Running, kfold
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


class Counted:
    """A learner that is interrupted at one of its calls."""

    def __init__(self, stop_at: int = 0) -> None:
        self.calls, self.stop_at = 0, stop_at

    def __call__(self, train_x, train_y, test_x, seed):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        noise = np.random.default_rng(seed).random(len(test_x)) < 0.1
        return GaussianNB().fit(train_x, train_y).predict(test_x) ^ noise


@pytest.mark.parametrize("stop_at", [1, 5, 12])
def test_an_interrupted_validation_goes_on(tmp_path: Path, stop_at: int) -> None:
    whole = kfold(Counted(), DATA, SCHEME, official=OFFICIAL)
    running = Running(folder=tmp_path / "folds")
    with pytest.raises(KeyboardInterrupt):
        kfold(Counted(stop_at), DATA, SCHEME, official=OFFICIAL, running=running)
    second = Counted()
    got = kfold(second, DATA, SCHEME, official=OFFICIAL, running=running)
    assert got == whole
    assert second.calls == 12 - (stop_at - 1) + 1
    third = Counted()
    again = kfold(third, DATA, SCHEME, official=OFFICIAL, running=running)
    assert third.calls == 0
    assert again.official is not None
    assert again.official.before
    assert again == replace(whole, official=replace(whole.official, before=True))


def test_a_folder_is_not_shared_and_one_official_set_is_opened(tmp_path: Path) -> None:
    running = Running(folder=tmp_path)
    kfold(GaussianNB(), DATA, SCHEME, running=running, official=OFFICIAL)
    with pytest.raises(ConflictError, match="another learner"):
        kfold(GaussianNB(var_smoothing=1), DATA, SCHEME, running=running)
    with pytest.raises(ConflictError, match="another scheme"):
        kfold(GaussianNB(), DATA, Scheme("plain"), running=running)
    other = Data(OFFICIAL.x[1:], OFFICIAL.y[1:])
    with pytest.raises(ConflictError, match="another official"):
        kfold(GaussianNB(), DATA, SCHEME, running=running, official=other)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_processes_change_nothing(backend: str) -> None:
    alone = kfold(GaussianNB(), DATA, SCHEME)
    assert kfold(GaussianNB(), DATA, SCHEME, running=Running(jobs=2, backend=backend)) == alone


def test_backends_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="no backend 'nonsense'"):
        kfold(GaussianNB(), DATA, SCHEME, running=Running(backend="nonsense"))


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


RAY = """
from sklearn.datasets import make_classification
from sklearn.naive_bayes import GaussianNB
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.kfold import Running, kfold
from freshset.protocols.folds.splits import Scheme
data, scheme = Data(*make_classification(200, random_state=0)), Scheme("stratified", 4, 1)
alone = kfold(GaussianNB(), data, scheme)
assert kfold(GaussianNB(), data, scheme, running=Running(jobs=2, backend="ray")) == alone
print("the same")
"""


@pytest.mark.xdist_group("ray")
def test_a_ray_cluster_changes_nothing() -> None:
    pytest.importorskip("ray")
    done = subprocess.run([sys.executable, "-c", RAY], capture_output=True, text=True, check=False)
    # Ray's own processes may write to stdout, too.
    assert "the same" in done.stdout.splitlines(), done.stderr
