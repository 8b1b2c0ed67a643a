"""Effective and relative robustness on lines that are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.fits import Scale, inverse, transform
from freshset.stats.robustness import effective_robustness, relative_robustness

SCALES: list[Scale] = ["linear", "probit", "logit"]


def on_a_line(
    old: npt.NDArray[np.float64], scale: Scale, slope: float, shift: float
) -> npt.NDArray[np.float64]:
    """New accuracies on a line through (.7, .7 - shift)."""
    pivot = transform(0.7, scale)
    return inverse(transform(0.7 - shift, scale) + slope * (transform(old, scale) - pivot), scale)


@pytest.mark.parametrize("scale", SCALES)
@given(slope=st.floats(0.5, 1.3), shift=st.floats(-0.05, 0.15), gain=st.floats(-0.1, 0.1))
def test_rho_is_the_gain_over_the_standard_models(
    scale: Scale, slope: float, shift: float, gain: float
) -> None:
    old = np.linspace(0.5, 0.85, 12)
    new = on_a_line(old, scale, slope, shift)
    standard = np.ones(12, dtype=bool)
    standard[[3, 8]] = False
    new[3] += gain
    new[8] -= gain
    result = effective_robustness(old, new, standard=standard, scale=scale)
    expected = np.zeros(12)
    expected[[3, 8]] = 100 * gain, -100 * gain
    np.testing.assert_allclose(result.rho, expected, atol=1e-8)
    assert result.scale == scale
    assert result.baseline.slope == pytest.approx(slope)


def test_all_models_are_the_baseline_by_default_and_logit_its_scale(
    rng: np.random.Generator,
) -> None:
    old = rng.uniform(0.5, 0.9, 20)
    new = old - 0.1 + rng.normal(0, 0.01, 20)
    result = effective_robustness(old, new)
    x, y = np.log(old / (1 - old)), np.log(new / (1 - new))
    slope, intercept = np.polyfit(x, y, 1)
    predicted = 1 / (1 + np.exp(-(intercept + slope * x)))
    np.testing.assert_allclose(result.rho, 100 * (new - predicted), atol=1e-9)


def test_models_outside_the_baseline_do_not_move_it(rng: np.random.Generator) -> None:
    old = rng.uniform(0.5, 0.9, 20)
    new = old - 0.1 + rng.normal(0, 0.01, 20)
    standard = np.arange(20) < 15
    alone = effective_robustness(old[:15], new[:15])
    new[15:] = 0.99
    mixed = effective_robustness(old, new, standard=standard)
    assert mixed.baseline == alone.baseline
    np.testing.assert_array_equal(mixed.rho[:15], alone.rho)


def test_relative_robustness_is_the_gain_in_points() -> None:
    tau = relative_robustness([0.7146, 0.4986], [0.6321, 0.6321])
    np.testing.assert_allclose(tau, [8.25, -13.35])


@pytest.mark.parametrize(
    ("old", "new", "standard", "message"),
    [
        ([0.5, 0.6, 0.7], [0.4, 0.5], None, "one length"),
        ([0.5, 0.6, 0.7], [0.4, 0.5, 0.6], [True, True], "one length"),
        ([0.5, 0.6, 0.7], [0.4, 0.5, 0.6], [True, True, False], "at least 3"),
        ([0.5, 0.6, 1.0], [0.4, 0.5, 0.6], None, "finite"),
        ([0.5, 0.6, 0.7], [0.4, 0.5, 0.0], None, "finite"),
    ],
)
def test_baselines_that_cannot_be_fitted_are_refused(
    old: list[float], new: list[float], standard: list[bool] | None, message: str
) -> None:
    chosen = None if standard is None else np.array(standard)
    with pytest.raises(ValueError, match=message):
        effective_robustness(old, new, standard=chosen)


def test_unknown_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown scale"):
        effective_robustness([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], scale="log")
