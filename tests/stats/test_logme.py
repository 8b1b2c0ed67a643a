"""LogME against the evidence as a density, and against the fixed point written out plainly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from freshset.stats.logme import checked_features, logme


def problem(rng, n=60, d=8, classes=3):
    labels = rng.integers(0, classes, n)
    return rng.normal(size=(classes, d))[labels] + rng.normal(size=(n, d)), labels


def log_evidence(f, y, alpha, beta):
    """Density of the targets, weights integrated out."""
    covariance = np.eye(len(f)) / beta + f @ f.T / alpha
    return stats.multivariate_normal.logpdf(y, np.zeros(len(f)), covariance)


def best_evidence(f, y):
    def less(logs):
        return -log_evidence(f, y, *np.exp(logs))

    starts = [
        optimize.minimize(less, s, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
        for s in ([0, 0], [3, 2])
    ]
    return -min(s.fun for s in starts)


@pytest.mark.parametrize(("n", "d"), [(60, 8), (30, 50), (20, 20)])
def test_it_is_the_maximum_of_the_density(n, d, rng) -> None:
    f, labels = problem(rng, n, d)
    expected = np.mean([best_evidence(f, (labels == c).astype(float)) / n for c in range(3)])
    assert logme(f, labels) == pytest.approx(expected, abs=2e-5)


def test_the_iteration_of_the_first_paper(rng) -> None:
    """Algorithm 1, written with inverses of d x d matrices."""
    f, labels = problem(rng)
    n, d = f.shape
    total = []
    for c in range(3):
        y, alpha, beta = (labels == c).astype(float), 1.0, 1.0
        for _ in range(200):
            a = alpha * np.eye(d) + beta * f.T @ f
            m = beta * np.linalg.solve(a, f.T @ y)
            gamma = d - alpha * np.trace(np.linalg.inv(a))
            alpha, beta = gamma / (m @ m), (n - gamma) / np.square(f @ m - y).sum()
        a = alpha * np.eye(d) + beta * f.T @ f
        m = beta * np.linalg.solve(a, f.T @ y)
        value = n / 2 * np.log(beta) + d / 2 * np.log(alpha) - n / 2 * np.log(2 * np.pi)
        value -= beta / 2 * np.square(f @ m - y).sum() + alpha / 2 * m @ m
        total.append((value - np.linalg.slogdet(a)[1] / 2) / n)
    assert logme(f, labels) == pytest.approx(np.mean(total), rel=1e-6)


def test_rotations_and_names_of_classes_change_nothing(rng) -> None:
    f, labels = problem(rng)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert logme(f @ turn, labels) == pytest.approx(logme(f, labels))
    assert logme(f, 7 - 2 * labels) == pytest.approx(logme(f, labels))
    assert logme(f, np.eye(3)[labels]) == pytest.approx(logme(f, labels))


def test_better_features_score_higher(rng) -> None:
    f, labels = problem(rng, 200)
    noise = rng.normal(size=f.shape)
    values = [logme(f + s * noise, labels) for s in (0, 1, 3, 10)]
    assert values == sorted(values, reverse=True)


def test_extremes_stay_finite(rng) -> None:
    f, labels = problem(rng)
    assert np.isfinite(logme(np.eye(3)[labels], labels))  # explained exactly
    y = (labels == 0).astype(float)
    noise = 60 / (y @ y)
    expected = log_evidence(np.zeros((60, 4)), y, 1.0, noise) / 60
    assert logme(np.zeros((60, 4)), y[:, None]) == pytest.approx(expected)
    assert np.isfinite(logme(np.column_stack([f, f]), labels))
    assert np.isfinite(logme(1e6 * f.astype(np.float32), labels))


def test_what_has_no_evidence_is_refused(rng) -> None:
    f, labels = problem(rng)
    bad = f.copy()
    bad[11, 2] = np.nan
    for call, said in (
        (lambda: logme(bad, labels), "row 11 of features is not finite"),
        (lambda: logme(f[0], labels), "shape"),
        (lambda: logme(f, labels[:5]), "one label"),
        (lambda: logme(f, 0 * labels), "two classes"),
        (lambda: logme(f, np.full((60, 1), np.inf)), "finite"),
        (lambda: checked_features(np.empty((0, 2))), "shape"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
