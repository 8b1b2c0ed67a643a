from __future__ import annotations

import numpy as np
import pytest

from freshset.stats.gaussian_mixture import fit_mixture
from freshset.stats.leep import leep, nleep


def plain_leep(theta, y):
    """The definition, one sum after the other."""
    n, z = theta.shape
    joint = {
        (c, k): sum(theta[i, k] for i in range(n) if y[i] == c) / n
        for c in set(y)
        for k in range(z)
    }
    mass = [sum(joint[c, k] for c in set(y)) for k in range(z)]
    total = 0.0
    for i in range(n):
        total += np.log(sum(joint[y[i], k] / mass[k] * theta[i, k] for k in range(z)))
    return total / n


def test_leep_by_its_definition(rng) -> None:
    theta = rng.dirichlet(np.ones(6) / 2, size=50)
    labels = rng.integers(0, 4, 50)
    assert leep(theta, labels) == pytest.approx(plain_leep(theta, labels.tolist()))


def test_limits_of_leep(rng) -> None:
    labels = np.array([0, 0, 1, 2, 2, 2])
    assert leep(np.eye(3)[labels], labels) == pytest.approx(0)
    share = np.bincount(labels)[labels] / 6
    assert leep(np.ones((6, 1)), labels) == pytest.approx(np.log(share).mean())
    wide = np.column_stack([np.eye(3)[labels], np.zeros(6)])  # a source class never predicted
    assert leep(wide, labels) == pytest.approx(0)


def test_nleep_is_leep_of_the_clusters(rng) -> None:
    labels = np.repeat([0, 1, 2], 60)
    features = 4 * rng.normal(size=(3, 10))[labels] + rng.normal(size=(180, 10))
    found = nleep(features, labels, rng=np.random.default_rng(4), energy=1.0)
    left, values, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    mixture = fit_mixture(left * values, 15, rng=np.random.default_rng(4))
    assert found == pytest.approx(leep(mixture.posteriors, labels))
    noise = rng.normal(size=(180, 10))
    worse = nleep(noise, labels, rng=rng)
    assert worse < found <= 0


def test_constant_features_tell_the_shares_of_classes() -> None:
    labels = np.array([0, 0, 0, 1] * 5)
    found = nleep(np.ones((20, 3)), labels, rng=np.random.default_rng(0), components=2)
    assert found == pytest.approx(0.75 * np.log(0.75) + 0.25 * np.log(0.25))


def test_what_is_no_probability_is_refused(rng) -> None:
    good, labels = np.full((4, 2), 0.5), np.array([0, 1, 0, 1])
    for call in (
        lambda: leep(good[0], labels),
        lambda: leep(good, labels[:3]),
        lambda: leep(good + 0.1, labels),
        lambda: leep(good - [0.6, -0.6], labels),
        lambda: leep(np.full((4, 2), np.nan), labels),
        lambda: nleep(good, labels[:3], rng=rng),
        lambda: nleep(good, labels, rng=rng, energy=0.0),
    ):
        with pytest.raises(ValueError, match=r"need|must"):
            call()
