"""The scalar-difficulty model: round trips, numerical integration, and the published fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from freshset.stats.difficulty import DifficultyModel, difficulty_from_line


def accuracy_by_integration(skill: float, mu: float, sigma: float) -> float:
    """E Phi(skill - tau) over tau ~ N(mu, sigma^2), by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(weights @ special.ndtr(skill - mu - sigma * nodes) / weights.sum())


@given(st.floats(-2, 2), st.floats(0, 2), st.floats(-2, 2), st.floats(0, 2), st.floats(-2.5, 2.5))
def test_accuracies_of_the_model_lie_on_its_line(
    mu_old: float, sigma_old: float, mu_new: float, sigma_new: float, skill: float
) -> None:
    model = DifficultyModel(mu_old, sigma_old, mu_new, sigma_new)
    old = accuracy_by_integration(skill, mu_old, sigma_old)
    new = accuracy_by_integration(skill, mu_new, sigma_new)
    expected = model.intercept + model.slope * special.ndtri(old)
    assert special.ndtri(new) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0.05, 1), st.floats(-3, 3), st.floats(-2, 2), st.floats(0, 3))
def test_difficulties_give_back_their_line(
    slope: float, intercept: float, mu_old: float, sigma_old: float
) -> None:
    model = difficulty_from_line(slope, intercept, mu_old=mu_old, sigma_old=sigma_old)
    assert (model.mu_old, model.sigma_old) == (mu_old, sigma_old)
    assert model.slope == pytest.approx(slope)
    assert model.intercept == pytest.approx(intercept, abs=1e-9)


def test_the_identity_line_means_the_same_difficulties() -> None:
    model = difficulty_from_line(1.0, 0.0, mu_old=0.4, sigma_old=1.3)
    assert model.mu_new == pytest.approx(0.4)
    assert model.sigma_new == pytest.approx(1.3)


def test_imagenetv2_is_harder_and_slightly_more_varied() -> None:
    # The probit line of the 64 networks of Recht et al. (2019) on MatchedFrequency.
    model = difficulty_from_line(0.9679, -0.3270)
    assert model.sigma_new == pytest.approx(1.065, abs=0.001)
    assert model.mu_new == pytest.approx(0.478, abs=0.001)


@pytest.mark.parametrize("slope", [0.0, -0.5])
def test_a_line_that_does_not_rise_is_refused(slope: float) -> None:
    with pytest.raises(ValueError, match="positive slope"):
        difficulty_from_line(slope, 0.0)


def test_a_line_too_steep_for_the_old_spread_is_refused() -> None:
    with pytest.raises(ValueError, match="so steep"):
        difficulty_from_line(1.5, 0.0)
    assert difficulty_from_line(1.5, 0.0, sigma_old=2.0).slope == pytest.approx(1.5)
