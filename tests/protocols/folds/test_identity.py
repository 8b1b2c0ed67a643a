from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from freshset.protocols.folds.identity import identity_of
from freshset.protocols.folds.learners import load_learner


def nearest(train_x, train_y, test_x, k=1):
    return train_y[:k]


def made(c):
    def learner(train_x, train_y, test_x):
        return [c] * len(test_x)

    return learner


def again(train_x, train_y, test_x):
    return again(train_x, train_y, test_x)


class Voting:
    def __init__(self, weights):
        self.weights = weights

    def __call__(self, train_x, train_y, test_x):
        return test_x

    def vote(self, train_x, train_y, test_x):
        return test_x


DIFFERENT = {
    "settings": (SVC(C=1), SVC(C=2)),
    "classes": (SVC(), GaussianNB()),
    "inner settings": (
        make_pipeline(StandardScaler(), SVC(C=1)), make_pipeline(StandardScaler(), SVC(C=2)),
    ),
    "functions": (nearest, made(1)),
    "closures": (made(1), made(2)),
    "partial arguments": (partial(nearest, k=1), partial(nearest, k=2)),
    "attributes": (Voting([1, 2]), Voting([1, 3])),
    "methods' objects": (Voting([1]).vote, Voting([2]).vote),
    "arrays": (
        GaussianNB(priors=np.full(2000, 1 / 2000)),
        GaussianNB(priors=np.r_[0.1, np.full(1998, 1 / 2000), 0.4]),
    ),
    "lambdas on one line": tuple(FunctionTransformer(f) for f in (lambda x: x + 1, lambda x: x + 2)),
    "lambdas in attributes": (Voting(lambda x: 1), Voting(lambda x: 2)),
}  # fmt: skip
SAME = {
    "estimators": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=3)),
    "fitted or not": lambda: GaussianNB().fit([[0.0], [1.0]], [0, 1]),
    "functions in settings": lambda: SelectKBest(k=3),
    "closures": lambda: made(3),
    "attributes": lambda: Voting(np.arange(5)),
    "recursive": lambda: again,
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs(what: str) -> None:
    one, other = map(identity_of, DIFFERENT[what])
    assert one
    assert other
    assert one != other


@pytest.mark.parametrize("what", SAME)
def test_what_is_the_same(what: str) -> None:
    assert identity_of(SAME[what]()) == identity_of(SAME[what]()) != ""


def test_fitting_changes_no_identity() -> None:
    assert identity_of(SAME["fitted or not"]()) == identity_of(GaussianNB())


def test_another_process_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sklearn.svm import SVC\n"
        "class Held:\n    def __init__(self): self.names = {'b': 1, 'a': {'y', 'x', 'z'}}\n"
        "    def __call__(self, a, b, c): return c\n"
        "held = Held()\nsvc = SVC(C=2, class_weight={'a': 1, 'b': 2})\n"
    )
    code = (
        "from freshset.protocols.folds.learners import load_learner as l\n"
        "print(l('mine.py:held').identity, l('mine.py:svc').identity)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
    assert all(len(one) == 64 for one in said.pop().split())


def test_a_changed_file_is_another_learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "def helper(y): return y[0]\ndef mine(x, y, t): return [helper(y)] * len(t)\n"
    Path("mine.py").write_text(text)
    before = load_learner("mine.py:mine").identity
    Path("mine.py").write_text(text.replace("y[0]", "y[1]"))
    assert load_learner("mine.py:mine").identity != before


def test_what_was_typed_into_a_shell_has_no_identity() -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec("def typed(x, y, t): return t", namespace)
    assert identity_of(namespace["typed"]) == ""
    assert identity_of(Voting(open)) != ""


def test_a_circle_ends() -> None:
    one = Voting(lambda x: x)
    one.weights = [one, lambda x: x]
    assert identity_of(one) == ""
