"""The curve and its means under Betas, against quadrature and a bounded solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate, optimize, stats

from freshset.stats.beta_curve import KNOTS, N_CURVE, bounded_curves, curve_means


def basis(s: np.ndarray) -> np.ndarray:
    knots = np.r_[[0.0] * 4, KNOTS, [1.0] * 4]
    return interpolate.BSpline.design_matrix(s, knots, 3).toarray()


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.2), (2, 5), (50, 3), (1, 1), (0.02, 4)])
def test_means_are_those_of_a_fine_grid(a: float, b: float) -> None:
    # Masses of the cells rather than densities, which are infinite at the ends.
    grid = np.linspace(0, 1, 100_001) ** 2
    masses = np.diff(stats.beta.cdf(grid, a, b))
    expected = masses @ basis((grid[1:] + grid[:-1]) / 2)
    np.testing.assert_allclose(curve_means(np.array(a), np.array(b)), expected, atol=2e-5)


@given(st.floats(1e-3, 1e4), st.floats(1e-3, 1e4))
def test_means_are_shares(a: float, b: float) -> None:
    means = curve_means(np.array([a]), np.array([b]))[0]
    assert means.min() > -1e-9
    assert means.sum() == pytest.approx(1)


def test_a_curve_that_lies_in_the_basis_comes_back(rng: np.random.Generator) -> None:
    # 60 cells, and so much data that the penalty has no say.
    truth = np.array([[0.0, 0.1, 0.3, 0.6, 0.8, 0.95, 1.0]])
    k = np.arange(61)
    design = curve_means(1.0 + k, 61.0 - k)
    found = bounded_curves(design, truth @ design.T, np.full(61, 1e9))
    np.testing.assert_allclose(found, truth, atol=0.01)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1_000), st.integers(2, 12))
def test_it_is_the_bounded_least_squares_solution(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    k = np.arange(n + 1)
    design = curve_means(0.8 + k, 0.5 + n - k)
    observed = rng.random((3, n + 1)).round()
    weights = rng.uniform(0, 50, n + 1)
    found = bounded_curves(design, observed, weights, bend=0.3)
    assert found.shape == (3, N_CURVE)
    assert found.min() >= 0
    assert found.max() <= 1
    left = np.vstack([design * 2 * np.sqrt(weights)[:, None], np.diff(np.eye(7), 2, axis=0) / 0.3])
    for row, shares in zip(found, observed, strict=True):
        right = np.r_[2 * np.sqrt(weights) * shares, np.zeros(5)]
        best = optimize.lsq_linear(left, right, (0, 1), tol=1e-12)
        cost = 0.5 * np.sum((left @ row - right) ** 2)
        assert cost <= best.cost * (1 + 1e-6) + 1e-9


def test_few_cells_give_a_smooth_curve() -> None:
    k = np.arange(4)
    design = curve_means(0.5 + k, 3.5 - k)
    curve = bounded_curves(design, np.array([[0.1, 0.4, 0.6, 0.9]]), np.full(4, 1_000.0))[0]
    assert (np.diff(curve) > -1e-9).all()
