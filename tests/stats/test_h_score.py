from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from freshset.stats.h_score import h_score, ledoit_wolf, regularised_h_score


def problem(rng, n=120, d=6, classes=4):
    labels = rng.integers(0, classes, n)
    return rng.normal(size=(classes, d))[labels] + rng.normal(size=(n, d)) + 3, labels


def plain(f, labels, covariance):
    """The definition: each example's features replaced by the mean of its class."""
    g = np.zeros_like(f)
    for c in np.unique(labels):
        g[labels == c] = f[labels == c].mean(axis=0)
    between = np.cov(g.T, bias=True)
    return float(np.trace(np.linalg.solve(covariance, between)))


def test_h_score_by_its_definition(rng) -> None:
    f, labels = problem(rng)
    assert h_score(f, labels) == pytest.approx(plain(f, labels, np.cov(f.T, bias=True)))


@pytest.mark.parametrize(("n", "d"), [(120, 6), (40, 90), (50, 50)])
def test_regularised_by_its_definition_and_scikit_learn(n, d, rng) -> None:
    f, labels = problem(rng, n, d)
    lw = LedoitWolf().fit(f)
    assert ledoit_wolf(f - f.mean(axis=0)) == pytest.approx(lw.shrinkage_)
    expected = (1 - lw.shrinkage_) * plain(f, labels, lw.covariance_)
    assert regularised_h_score(f, labels) == pytest.approx(expected)


def test_scale_and_shift_change_nothing(rng) -> None:
    f, labels = problem(rng)
    for score in (h_score, regularised_h_score):
        assert score(1e4 * f + 7, labels + 3) == pytest.approx(score(f, labels))


def test_limits(rng) -> None:
    labels = np.repeat([0, 1, 2], 40)
    assert h_score(np.eye(3)[labels], labels) == pytest.approx(2)
    assert h_score(rng.normal(size=(120, 300)), labels) == pytest.approx(2)  # whatever they are
    assert regularised_h_score(rng.normal(size=(120, 300)), labels) < 1
    assert regularised_h_score(np.ones((120, 4)), labels) == 0
    assert h_score(np.ones((120, 4)), labels) == pytest.approx(0)


def test_what_has_no_score_is_refused(rng) -> None:
    f, labels = problem(rng)
    for score in (h_score, regularised_h_score):
        with pytest.raises(ValueError, match="one label"):
            score(f, labels[:3])
        with pytest.raises(ValueError, match="two classes"):
            score(f, 0 * labels)
        with pytest.raises(ValueError, match="not finite"):
            score(f + np.inf, labels)
