from __future__ import annotations

import numpy as np
import pytest
from sklearn import model_selection as ms

from freshset.core.errors import DataError, UsageError
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.splits import Scheme, splits

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 60)
DATA = Data(RNG.normal(size=(60, 2)), Y, np.repeat(np.arange(12), 5))


def same(ours, theirs) -> None:
    pairs = list(zip(ours, theirs, strict=True))
    for split, (train, test) in pairs:
        assert split.train.tolist() == sorted(train.tolist())
        assert split.test.tolist() == sorted(test.tolist())


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_repeated_folds_are_those_of_scikit_learn(seed: int) -> None:
    plain = splits(DATA, Scheme("plain", 4, 3, seed))
    same(plain, ms.RepeatedKFold(n_splits=4, n_repeats=3, random_state=seed).split(DATA.x, Y))
    strata = splits(DATA, Scheme("stratified", 4, 3, seed))
    theirs = ms.RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=seed)
    same(strata, theirs.split(DATA.x, Y))
    assert [(s.repeat, s.fold) for s in plain] == [(r, f) for r in range(3) for f in range(4)]


@pytest.mark.parametrize("seed", [0, 5])
def test_one_repeat_is_the_plain_shuffled_splitter(seed: int) -> None:
    for kind, theirs in (
        ("plain", ms.KFold(5, shuffle=True, random_state=seed)),
        ("stratified", ms.StratifiedKFold(5, shuffle=True, random_state=seed)),
        ("grouped", ms.GroupKFold(5, shuffle=True, random_state=seed)),
        ("stratified-grouped", ms.StratifiedGroupKFold(5, shuffle=True, random_state=seed)),
    ):
        groups = (DATA.groups,) if "grouped" in kind else ()
        same(splits(DATA, Scheme(kind, 5, 1, seed)), theirs.split(DATA.x, Y, *groups))


@pytest.mark.parametrize("kind", ["grouped", "stratified-grouped"])
def test_groups_stay_together_and_repeats_differ(kind: str) -> None:
    cut = splits(DATA, Scheme(kind, 4, 3))
    assert DATA.groups is not None
    for split in cut:
        assert not set(DATA.groups[split.train]) & set(DATA.groups[split.test])
    tests = [frozenset(s.test.tolist()) for s in cut]
    assert len(set(tests)) > 4
    for repeat in range(3):
        rows = np.concatenate([s.test for s in cut if s.repeat == repeat])
        assert sorted(rows.tolist()) == list(range(60))


def test_bad_data() -> None:
    def said(scheme: Scheme, y: object, groups: object = None) -> str:
        data = Data(np.zeros((len(y), 1)), np.array(y), groups)
        with pytest.raises((DataError, UsageError)) as error:
            splits(data, scheme)
        return str(error.value)

    assert "4 examples are fewer than 5 folds" in said(Scheme("plain", 5, 1), [0, 1, 0, 1])
    few = said(Scheme("stratified", 3, 1), [0, 0, 0, 1, 1, 1, 2, 2])
    assert "class 2 has 2 examples, fewer than 3 folds" in few
    missing = said(Scheme("plain", 3, 1), [0, 0, 0, 0, 0, 7])
    assert "tests on class 7 without having trained on it" in missing
    assert "need groups" in said(Scheme("grouped", 2, 1), [0, 1, 0, 1])
    two = np.array([1, 1, 2, 2])
    assert "2 groups are fewer than 3" in said(Scheme("grouped", 3, 1), [0, 1, 0, 1], two)
    one = said(Scheme("grouped", 2, 1), [0, 0, 1, 1], two)
    assert "All examples of the class are in one group" in one
    assert "no classes" in said(Scheme("stratified", 2, 1), [0.1, 0.2, 0.3, 0.4])


def test_regression_needs_no_classes() -> None:
    data = Data(np.zeros((6, 1)), np.linspace(0.1, 1, 6))
    assert len(splits(data, Scheme("plain", 3, 2))) == 6


def test_bad_schemes() -> None:
    with pytest.raises(UsageError, match="Did you mean 'stratified'"):
        Scheme("stratifed")
    for folds, repeats in ((1, 1), (5, 0)):
        with pytest.raises(UsageError, match="two folds"):
            Scheme("plain", folds, repeats)
    for seed in (-1, 2**32):
        with pytest.raises(UsageError, match="no seed"):
            Scheme(seed=seed)
