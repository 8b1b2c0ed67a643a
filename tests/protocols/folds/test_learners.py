from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from freshset.core.errors import DataError, UsageError
from freshset.protocols.folds.learners import as_learner, load_learner

X = np.array([[0.0], [1.0], [0.1], [0.9]])
Y = np.array([0, 1, 0, 1])


def majority(train_x, train_y, test_x):
    return np.full(len(test_x), np.bincount(train_y).argmax())


def drawn(train_x, train_y, test_x, seed):
    return np.random.default_rng(seed).choice(train_y, len(test_x))


def test_estimators_are_cloned() -> None:
    model = GaussianNB()
    learner = as_learner(model)
    assert learner.predict(X, Y, X, 0).tolist() == Y.tolist()
    assert not hasattr(model, "theta_")
    assert learner.name == "GaussianNB()"
    assert as_learner(learner) is learner


def test_functions() -> None:
    assert as_learner(majority).predict(X, np.array([1, 1, 0, 1]), X[:2], 0).tolist() == [1, 1]
    one, other = (as_learner(drawn).predict(X, Y, np.zeros((50, 1)), seed) for seed in (1, 2))
    assert one.tolist() != other.tolist()
    assert as_learner(majority).name == "majority"


def test_identity_follows_what_can_change_predictions() -> None:
    def scaled(c: float) -> str:
        return as_learner(make_pipeline(StandardScaler(), SVC(C=c))).identity

    assert scaled(1) == scaled(1) != scaled(2)
    assert as_learner(majority).identity != as_learner(drawn).identity
    assert " at 0x" not in scaled(1)


def test_unseeded_estimators_are_known() -> None:
    assert as_learner(RandomForestClassifier()).unseeded
    assert as_learner(make_pipeline(StandardScaler(), RandomForestClassifier())).unseeded
    assert not as_learner(RandomForestClassifier(random_state=0)).unseeded
    assert not as_learner(GaussianNB()).unseeded
    assert not as_learner(majority).unseeded


def test_names_as_labels() -> None:
    names = np.array(["cat", "dog", "cat", "dog"], dtype=object)
    assert as_learner(GaussianNB()).predict(X, names, X, 0).tolist() == names.tolist()


def test_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_learner("sklearn.svm:SVC", {"C": 3}).source.C == 3
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from sklearn.naive_bayes import GaussianNB\n"
        "ready = GaussianNB()\n"
        "def make(): return GaussianNB(var_smoothing=0.5)\n"
        "def votes(train_x, train_y, test_x): return [train_y[0]] * len(test_x)\n"
    )
    assert load_learner("mine.py:ready").is_estimator
    assert load_learner("mine.py:make").source.var_smoothing == 0.5
    votes = load_learner("mine.py:votes")
    assert (votes.name, votes.is_estimator) == ("votes", False)


@pytest.mark.parametrize(
    ("reference", "params", "said"),
    [
        ("SVC", {}, "is not MODULE:NAME"),
        ("sklearn.svm:Nope", {}, "Nope"),
        ("no_such_module_here:x", {}, "no_such_module_here"),
        ("none.py:x", {}, "No such file"),
        ("sklearn.svm:SVC", {"D": 1}, "unexpected keyword"),
        ("math:pi", {}, "neither fits nor is called"),
        ("sklearn.base:clone", {"x": 1}, "takes no settings"),
    ],
)
def test_what_cannot_be_loaded(reference: str, params: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_learner(reference, params)


def test_predictions_of_another_shape() -> None:
    with pytest.raises(DataError, match=r"shape \(1,\) for 4"):
        as_learner(lambda a, b, c: [1]).predict(X, Y, X, 0)
