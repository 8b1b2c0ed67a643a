from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_classification


@pytest.fixture(autouse=True)
def data(tmp_path: Path) -> None:
    x, y = make_classification(150, random_state=0)
    np.savez(tmp_path / "d.npz", x=x[:100], y=y[:100], groups=np.arange(100) // 10)
    np.savez(tmp_path / "o.npz", x=x[100:], y=y[100:])


BAYES = ("--learner", "sklearn.naive_bayes:GaussianNB")
SMALL = ("--folds", 4, "--repeats", 2)


def test_text(call) -> None:
    got = call("kfold", "d.npz", *BAYES, *SMALL, "--official", "o.npz")
    assert got.code == 0, got.err
    assert got.out.startswith("GaussianNB()\n\nrepeat  accuracy\n")
    assert "Over 2 x 4 folds of 100 examples" in got.out
    text = " ".join(got.out.split())
    assert "The official set o.npz (50 examples, opened once, at the end)" in text
    assert "cannot see a distribution gap" in text


def test_every_option(call, tmp_path: Path) -> None:
    got = call(
        "kfold", "d.npz", *BAYES, *SMALL, "--param", "var_smoothing=0.5", "--kind", "grouped",
        "--seed", 3, "--metric", "f1-macro", "--level", 0.9, "--store", "f", "--jobs", 1,
        "--backend", "threading", "--official", "o.npz", "--json", "--output", "r.json",
        "--report", "r",
    )  # fmt: skip
    assert (got.code, got.out) == (0, ""), got.err
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["learner"] == "GaussianNB(var_smoothing=0.5)"
    assert data["scheme"] == {"kind": "grouped", "folds": 4, "repeats": 2, "seed": 3}
    assert (data["metric"], data["level"]) == ("f1-macro", 0.9)
    assert len(list((tmp_path / "f" / "works" / "fold").iterdir())) == 8
    page = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "The official set o.npz (50 examples, opened once, at the end)" in page
    assert json.loads((tmp_path / "r" / "folds-validation.json").read_text()) == data


def test_two_learners(call, tmp_path: Path) -> None:
    Path("mine.py").write_text("def one(x, y, test_x): return [y[0]] * len(test_x)\n")
    got = call(
        "kfold",
        "d.npz",
        *BAYES,
        *SMALL,
        "--against",
        "mine.py:one",
        "--store",
        "f",
        "--report",
        "r",
    )
    assert got.code == 0, got.err
    assert "GaussianNB() less one: " in got.out
    page = (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert page.count("GaussianNB() less one: ") == 2
    assert "Validation at a glance" in page
    assert len(list((tmp_path / "f" / "works" / "fold").iterdir())) == 16


def test_mistakes(call) -> None:
    got = call("kfold", "d.npz", *BAYES, "--against", "x:y", "--official", "o.npz")
    assert (got.code, got.out) == (2, "")
    assert "Choose between learners on the folds" in got.err
    assert "is not K=V" in call("kfold", "d.npz", *BAYES, "--param", "C").err
    assert call("kfold", "none.npz", *BAYES).code == 2
    missing = call("kfold", "d.npz", *BAYES, "--official", "none.npz")
    assert "none.npz: no such file" in missing.err
    assert "between 0 and 1" in call("kfold", "d.npz", *BAYES, "--level", 2).err
    assert call("kfold", "d.npz", *BAYES, "--seed", -1).code == 2
    few = call("kfold", "d.npz", *BAYES, "--kind", "grouped", "--folds", 20)
    assert "10 groups are fewer than 20 folds" in few.err
