from __future__ import annotations

import json

import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from freshset.core.errors import UsageError
from freshset.protocols.folds.compare import SCHEMA, compare_folds
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.kfold import kfold
from freshset.protocols.folds.splits import Scheme
from freshset.stats.crossvalidation import correlated_t_test

DATA = Data(*make_classification(200, random_state=0))
SCHEME = Scheme("stratified", 5, 2)


def test_two_learners() -> None:
    one, other = (kfold(m, DATA, SCHEME) for m in (GaussianNB(), DummyClassifier()))
    got = compare_folds(one, other)
    test = correlated_t_test(one.scores, other.scores, n_train=160, n_test=40)
    assert (got.difference, got.t, got.p) == (test.difference, test.t, test.p)
    assert got.finding.startswith("GaussianNB() less DummyClassifier(): ")
    assert "points; p < 0.001), beyond" in got.finding
    assert json.loads(json.dumps(got.to_dict()))["schema"] == SCHEMA
    same = compare_folds(one, one)
    assert "p = 1.000), within" in same.finding


def test_other_folds_are_not_compared() -> None:
    one = kfold(GaussianNB(), DATA, SCHEME)
    for other in (
        kfold(GaussianNB(), DATA, Scheme("plain", 5, 2)),
        kfold(GaussianNB(), Data(DATA.x[1:], DATA.y[1:]), SCHEME),
    ):
        with pytest.raises(UsageError, match="other folds"):
            compare_folds(one, other)
