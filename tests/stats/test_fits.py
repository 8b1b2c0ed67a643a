"""Lines, their bootstrap distributions and their band.

Every bootstrap is replayed by a naive loop over the same draws; what the intervals promise is then
simulated: models drawn from a superpopulation, items drawn for those models, or both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats
from statsmodels.api import OLS, add_constant

from freshset.stats.fits import (
    LineSamples,
    Scale,
    band,
    bootstrap_both,
    bootstrap_items,
    bootstrap_models,
    clip_accuracy,
    fit_line,
    inverse,
    leverage_one_out,
    robust_residuals,
    theil_sen,
    transform,
)
from freshset.stats.intervals import expanded_level, percentile_interval
from freshset.stats.resampling import model_draws, resampled_hits

Floats = npt.NDArray[np.float64]
SCALES: list[Scale] = ["linear", "probit", "logit"]
FITS = [fit_line, theil_sen]


def points(rng: np.random.Generator, n: int = 30) -> tuple[Floats, Floats]:
    x = rng.normal(75, 5, n)
    return x, 1.1 * x - 20 + rng.normal(0, 0.6, n)


coordinates = arrays(float, st.shared(st.integers(3, 12), key="n"), elements=st.floats(-100, 100))


# Scales


@pytest.mark.parametrize("scale", SCALES)
@given(p=st.floats(1e-6, 1 - 1e-6))
def test_inverse_undoes_transform(scale: Scale, p: float) -> None:
    assert inverse(transform(p, scale), scale) == pytest.approx(p, abs=1e-12)


@given(st.floats(1e-6, 1 - 1e-6))
def test_scales_are_what_they_are_called(p: float) -> None:
    assert transform(p, "linear") == 100 * p
    assert transform(p, "probit") == pytest.approx(stats.norm.ppf(p), rel=1e-9, abs=1e-12)
    assert transform(p, "logit") == pytest.approx(np.log(p / (1 - p)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("scale", ["probit", "logit"])
@given(p=st.floats(1e-3, 1 - 1e-3))
def test_counting_errors_instead_changes_only_the_sign(scale: Scale, p: float) -> None:
    assert transform(1 - p, scale) == pytest.approx(-transform(p, scale), abs=1e-9)


def test_clipping_moves_only_what_is_within_half_an_item_of_the_ends() -> None:
    n = np.array([10, 10, 10, 1_000])
    clipped = clip_accuracy([0.0, 1.0, 0.3, 1.0], n)
    np.testing.assert_allclose(clipped, [0.05, 0.95, 0.3, 0.9995])
    assert np.all(np.isfinite(transform(clipped, "logit")))


def test_unknown_scales_are_refused() -> None:
    for function in (transform, inverse):
        with pytest.raises(ValueError, match="unknown scale 'log'"):
            function(0.5, "log")


# One line


def test_fit_line_equals_statsmodels(rng: np.random.Generator) -> None:
    x, y = points(rng)
    line, expected = fit_line(x, y), OLS(y, add_constant(x)).fit()
    assert [line.intercept, line.slope] == pytest.approx(expected.params, rel=1e-9)
    assert line.r2 == pytest.approx(expected.rsquared)
    assert line.residual_sd == pytest.approx(np.sqrt(expected.mse_resid))
    np.testing.assert_allclose(line(x), expected.fittedvalues)


def test_theil_sen_is_the_median_slope_with_the_median_residual_as_intercept(
    rng: np.random.Generator,
) -> None:
    x, y = points(rng)
    slopes = [(y[j] - y[i]) / (x[j] - x[i]) for i in range(len(x)) for j in range(i + 1, len(x))]
    line = theil_sen(x, y)
    assert line.slope == pytest.approx(np.median(slopes))
    assert line.slope == pytest.approx(stats.theilslopes(y, x).slope)
    assert line.intercept == pytest.approx(np.median(y - line.slope * x))
    residuals = y - line(x)
    assert line.r2 == pytest.approx(1 - residuals @ residuals / np.sum((y - y.mean()) ** 2))
    assert line.residual_sd == pytest.approx(np.sqrt(residuals @ residuals / (len(x) - 2)))


@pytest.mark.parametrize("fit", FITS)
@given(x=coordinates, slope=st.floats(-5, 5), intercept=st.floats(-50, 50))
def test_points_on_a_line_give_that_line(
    fit: Callable[..., Any], x: Floats, slope: float, intercept: float
) -> None:
    assume(np.ptp(x) > 0.1)
    line = fit(x, intercept + slope * x)
    assert line.slope == pytest.approx(slope, abs=1e-7)
    assert line.intercept == pytest.approx(intercept, abs=1e-5)
    assert line.residual_sd == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("fit", FITS)
def test_change_of_units_carries_over_to_the_line(
    fit: Callable[..., Any], rng: np.random.Generator
) -> None:
    x, y = points(rng)
    line, moved = fit(x, y), fit(2 * x - 7, 3 * y + 5)
    assert moved.slope == pytest.approx(line.slope * 3 / 2)
    np.testing.assert_allclose(moved(2 * x - 7), 3 * line(x) + 5)
    assert moved.r2 == pytest.approx(line.r2)


@pytest.mark.parametrize("fit", FITS)
def test_constant_new_accuracy_has_no_r2(fit: Callable[..., Any]) -> None:
    line = fit([1, 2, 3], [5, 5, 5])
    assert (line.slope, line.intercept, line.residual_sd) == (0, 5, 0)
    assert np.isnan(line.r2)


def test_one_bad_file_moves_least_squares_and_not_theil_sen(rng: np.random.Generator) -> None:
    x, y = points(rng)
    bad = y.copy()
    bad[np.argmin(x)] = 2.5
    assert abs(fit_line(x, bad).slope - fit_line(x, y).slope) > 0.5
    assert theil_sen(x, bad).slope == pytest.approx(theil_sen(x, y).slope, abs=0.1)
    assert np.argmax(np.abs(robust_residuals(x, bad))) == np.argmin(x)
    assert np.abs(robust_residuals(x, bad)).max() > 20


def test_robust_residuals_are_in_units_of_their_mad(rng: np.random.Generator) -> None:
    x, y = points(rng)
    scaled = robust_residuals(x, y)
    raw = y - theil_sen(x, y)(x)
    np.testing.assert_allclose(scaled, raw / stats.median_abs_deviation(raw))
    np.testing.assert_allclose(robust_residuals(x, 10 * y), scaled)


def test_theil_sen_passes_over_models_of_equal_old_accuracy() -> None:
    assert theil_sen([0, 1, 1, 2], [0, 1, 5, 2]).slope == 1


def test_rounding_is_not_taken_for_a_residual() -> None:
    x = np.linspace(0.1, 0.7, 7)
    np.testing.assert_array_equal(robust_residuals(x, 0.3 * x + 0.1), np.zeros(7))


def test_robust_residuals_without_spread_are_zero_or_infinite() -> None:
    x = np.arange(9.0)
    y = 2 * x + 1
    np.testing.assert_array_equal(robust_residuals(x, y), np.zeros(9))
    y[4] += 1
    y[7] -= 1
    expected = np.zeros(9)
    expected[[4, 7]] = np.inf, -np.inf
    np.testing.assert_array_equal(robust_residuals(x, y), expected)


def test_leaving_one_out_equals_refitting(rng: np.random.Generator) -> None:
    x, y = points(rng, 12)
    expected = [fit_line(np.delete(x, i), np.delete(y, i)).slope for i in range(12)]
    np.testing.assert_allclose(leverage_one_out(x, y), expected)


def test_leaving_out_the_only_model_that_differs_leaves_no_line() -> None:
    slopes = leverage_one_out([1, 1, 1, 2], [1, 2, 3, 4])
    assert not np.isfinite(slopes[3])
    np.testing.assert_allclose(slopes[:3], [1.5, 2, 2.5])


def test_leaving_one_out_of_three_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 models"):
        leverage_one_out([1, 2, 3], [1, 2, 3])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 2], "at least 3 models, not 2"),
        ([1, 2, 3], [1, 2], "one length"),
        ([[1, 2, 3]], [[1, 2, 3]], "vectors"),
        ([1, 2, np.nan], [1, 2, 3], "finite"),
        ([1, 2, 3], [1, 2, np.inf], "clip"),
        ([2, 2, 2], [1, 2, 3], "same old accuracy"),
    ],
)
def test_points_without_a_line_are_refused(x: Any, y: Any, message: str) -> None:
    for fit in (
        fit_line,
        theil_sen,
        robust_residuals,
        leverage_one_out,
        lambda x, y: bootstrap_models(x, y, 10, rng=np.random.default_rng(0)),
    ):
        with pytest.raises(ValueError, match=message):
            fit(x, y)


# Bootstrap samples


def refit(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Slope and intercept of each row by a loop; rows without a line are left out."""
    fits = [np.polyfit(a, b, 1) for a, b in zip(x, y, strict=True) if np.ptp(a) > 0]
    slope, intercept = np.array(fits).T
    return slope, intercept


def test_bootstrap_of_models_equals_refitting_each_draw(rng: np.random.Generator) -> None:
    x, y = points(rng, 17)
    samples = bootstrap_models(x, y, 2_000, rng=np.random.default_rng(3))
    draws = np.concatenate(list(model_draws(17, 2_000, rng=np.random.default_rng(3))))
    slope, intercept = refit(x[draws], y[draws])
    np.testing.assert_allclose(samples.slope, slope, rtol=1e-8)
    np.testing.assert_allclose(samples.intercept, intercept, rtol=1e-8)
    np.testing.assert_allclose(samples.mean_x, x[draws].mean(axis=1))
    np.testing.assert_allclose(samples.mean_y, y[draws].mean(axis=1))
    assert samples.n_degenerate == 0


def test_bootstrap_of_models_agrees_with_scipy(rng: np.random.Generator) -> None:
    x, y = points(rng, 64)
    ours = bootstrap_models(x, y, 40_000, rng=rng)
    theirs = stats.bootstrap(
        (x, y),
        lambda x, y, axis: (
            np.mean((x - x.mean(axis, keepdims=True)) * y, axis) / np.var(x, axis=axis)
        ),
        paired=True, n_resamples=40_000, batch=5_000, method="percentile", rng=rng,
    )  # fmt: skip
    interval = percentile_interval(ours.slope)
    # Percentiles of 40,000 samples have a standard error of about .013 of their spread.
    tolerance = 4 * np.sqrt(2) * 0.013 * theirs.standard_error
    assert interval.low == pytest.approx(theirs.confidence_interval.low, abs=tolerance)
    assert interval.high == pytest.approx(theirs.confidence_interval.high, abs=tolerance)


def test_draws_of_one_model_only_are_counted_and_left_out(rng: np.random.Generator) -> None:
    x, y = np.array([50.0, 60.0, 85.0]), np.array([40.0, 55.0, 70.0])
    samples = bootstrap_models(x, y, 9_000, rng=np.random.default_rng(3))
    draws = np.concatenate(list(model_draws(3, 9_000, rng=np.random.default_rng(3))))
    alike = np.count_nonzero(np.ptp(draws, axis=1) == 0)
    assert samples.n_degenerate == alike
    # One draw of three models in nine is of a single one.
    assert alike / 9_000 == pytest.approx(1 / 9, abs=4 * np.sqrt(1 / 9 * 8 / 9 / 9_000))
    for part in (samples.slope, samples.intercept, samples.mean_x, samples.mean_y):
        assert part.shape == (9_000 - alike,)
        assert np.all(np.isfinite(part))


def test_models_of_equal_old_accuracy_have_no_line_between_them() -> None:
    samples = bootstrap_models([70, 70, 80], [60, 62, 71], 9_000, rng=np.random.default_rng(3))
    # Both models at 70, or the one at 80, three times: (8 + 1) / 27.
    assert samples.n_degenerate / 9_000 == pytest.approx(1 / 3, abs=0.02)


def test_bootstrap_of_items_equals_refitting_each_resample(rng: np.random.Generator) -> None:
    x = rng.normal(75, 5, 12) + rng.normal(0, 0.3, (400, 12))
    y = 1.1 * x - 20 + rng.normal(0, 0.6, (400, 12))
    samples = bootstrap_items(x, y)
    slope, intercept = refit(x, y)
    np.testing.assert_allclose(samples.slope, slope, rtol=1e-8)
    np.testing.assert_allclose(samples.intercept, intercept, rtol=1e-8)
    np.testing.assert_allclose(samples.mean_x, x.mean(axis=1))
    np.testing.assert_allclose(samples.mean_y, y.mean(axis=1))


def test_bootstrap_of_both_draws_models_from_each_item_resample_in_turn(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(75, 5, 12) + rng.normal(0, 0.3, (70, 12))
    y = 1.1 * x - 20 + rng.normal(0, 0.6, (70, 12))
    samples = bootstrap_both(x, y, 1_900, rng=np.random.default_rng(3))
    draws = np.concatenate(list(model_draws(12, 1_900, rng=np.random.default_rng(3))))
    rows = np.arange(1_900)[:, None] % 70
    slope, intercept = refit(x[rows, draws], y[rows, draws])
    np.testing.assert_allclose(samples.slope, slope, rtol=1e-8)
    np.testing.assert_allclose(samples.intercept, intercept, rtol=1e-8)
    np.testing.assert_allclose(samples.mean_y, y[rows, draws].mean(axis=1))


def test_bootstrap_of_both_without_item_noise_is_that_of_models(rng: np.random.Generator) -> None:
    x, y = points(rng, 20)
    both = bootstrap_both(
        np.tile(x, (9, 1)), np.tile(y, (9, 1)), 3_000, rng=np.random.default_rng(3)
    )
    models = bootstrap_models(x, y, 3_000, rng=np.random.default_rng(3))
    np.testing.assert_allclose(both.slope, models.slope, rtol=1e-9)
    np.testing.assert_allclose(both.mean_x, models.mean_x, rtol=1e-9)


def test_models_without_noise_leave_no_uncertainty(rng: np.random.Generator) -> None:
    x = rng.normal(75, 5, 20)
    samples = bootstrap_models(x, 1.1 * x - 20, 500, rng=rng)
    np.testing.assert_allclose(samples.slope, 1.1, rtol=1e-9)
    np.testing.assert_allclose(samples.intercept, -20, rtol=1e-8)


def test_scores_far_from_zero_keep_their_digits(rng: np.random.Generator) -> None:
    x, y = points(rng)
    near = bootstrap_models(x, y, 500, rng=np.random.default_rng(3))
    far = bootstrap_models(x + 1e6, y, 500, rng=np.random.default_rng(3))
    np.testing.assert_allclose(far.slope, near.slope, rtol=1e-7)


@pytest.mark.parametrize("resamples", [0, -1])
def test_no_resamples_are_refused(resamples: int, rng: np.random.Generator) -> None:
    x, y = points(rng)
    with pytest.raises(ValueError, match=r"resample|negative"):
        bootstrap_models(x, y, resamples, rng=rng)
    with pytest.raises(ValueError, match=r"resample|negative"):
        bootstrap_both(x[None], y[None], resamples, rng=rng)


# The band


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("count", [2, 41, 1_000])
def test_band_is_the_percentile_interval_at_every_grid_point(
    level: float, count: int, rng: np.random.Generator
) -> None:
    x, y = points(rng)
    samples = bootstrap_models(x, y, count, rng=rng)
    grid = np.linspace(x.min(), x.max(), 23)
    got = band(samples, grid, level=level)
    expected = percentile_interval(
        samples.intercept[:, None] + samples.slope[:, None] * grid, level=level
    )
    np.testing.assert_array_equal(got.low, expected.low)
    np.testing.assert_array_equal(got.high, expected.high)


def test_band_leaves_the_samples_as_they_were(rng: np.random.Generator) -> None:
    samples = bootstrap_models(*points(rng), 100, rng=rng)
    slope, intercept = samples.slope.copy(), samples.intercept.copy()
    band(samples, [60.0, 70.0])
    np.testing.assert_array_equal(samples.slope, slope)
    np.testing.assert_array_equal(samples.intercept, intercept)


def test_band_is_narrowest_where_the_models_are(rng: np.random.Generator) -> None:
    x, y = points(rng, 60)
    interval = band(bootstrap_models(x, y, 2_000, rng=rng), np.linspace(55, 95, 41))
    width = interval.high - interval.low
    assert abs(55 + np.argmin(width) - x.mean()) < 3
    assert min(width[0], width[-1]) > 3 * width.min()


@pytest.mark.parametrize("grid", [[], [2.0, 1.0], [[1.0, 2.0]]])
def test_grids_that_are_not_increasing_vectors_are_refused(
    grid: Any, rng: np.random.Generator
) -> None:
    samples = bootstrap_models(*points(rng), 10, rng=rng)
    with pytest.raises(ValueError, match="increasing vector"):
        band(samples, grid)


def test_one_line_has_no_band() -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match="at least two lines"):
        band(LineSamples(one, one, one, one, 0), [1.0])


def test_impossible_level_is_refused(rng: np.random.Generator) -> None:
    samples = bootstrap_models(*points(rng), 10, rng=rng)
    with pytest.raises(ValueError, match="level"):
        band(samples, [1.0], level=0.0)


# Coverage


SLOPE, INTERCEPT = 1.11, -20.3
GRID = np.linspace(58, 82, 5)


@dataclass
class Coverage:
    """Shares of repetitions in which an interval held the truth."""

    repetitions: int
    hits: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, held: npt.ArrayLike) -> None:
        """Count one repetition; a band counts by the share of its grid points."""
        self.hits[name] = self.hits.get(name, 0.0) + float(np.mean(held))

    def __getitem__(self, name: str) -> float:
        return self.hits[name] / self.repetitions

    @property
    def slack(self) -> float:
        """Three standard errors at .95; a band's is smaller, its grid points being averaged."""
        return 3 * float(np.sqrt(0.95 * 0.05 / self.repetitions))


def held(samples: Floats, truth: float, level: float = 0.95) -> bool:
    interval = percentile_interval(samples, level=level)
    return bool(interval.low <= truth <= interval.high)


def band_held(
    samples: LineSamples, slope: float, intercept: float, level: float = 0.95
) -> npt.NDArray[np.bool_]:
    interval, truth = band(samples, GRID, level=level), intercept + slope * GRID
    return np.asarray((interval.low <= truth) & (truth <= interval.high))


def models_coverage(models: int, draw: Callable[[np.random.Generator, int], Floats]) -> Coverage:
    """Draw models from a superpopulation again and again, and resample them."""
    rng = np.random.default_rng(2019)
    coverage = Coverage(1_500)
    wider = expanded_level(0.95, models)
    for _ in range(coverage.repetitions):
        x = draw(rng, models)
        y = SLOPE * x + INTERCEPT + rng.normal(0, 0.56, models)
        samples = bootstrap_models(x, y, 1_000, rng=rng)
        for name, level in (("percentile", 0.95), ("expanded", wider)):
            coverage.add(f"{name} slope", held(samples.slope, SLOPE, level))
            coverage.add(f"{name} intercept", held(samples.intercept, INTERCEPT, level))
            coverage.add(f"{name} band", band_held(samples, SLOPE, INTERCEPT, level))
    return coverage


@pytest.fixture(scope="module")
def like_convnets(convnets: Any) -> Callable[[np.random.Generator, int], Floats]:
    """Draw old accuracies spread like those of the 64 networks, a few of them far below."""
    return lambda rng, models: rng.choice(100 * convnets.old, models) + rng.normal(0, 0.5, models)


def test_model_intervals_cover_64_models_of_normal_accuracies() -> None:
    coverage = models_coverage(64, lambda rng, models: rng.normal(74, 5, models))
    for part in ("slope", "intercept", "band"):
        assert coverage[f"percentile {part}"] == pytest.approx(0.938, abs=coverage.slack)
        assert coverage[f"expanded {part}"] == pytest.approx(0.945, abs=coverage.slack)


def test_model_intervals_of_64_convnets_cover_when_expanded(
    like_convnets: Callable[[np.random.Generator, int], Floats],
) -> None:
    coverage = models_coverage(64, like_convnets)
    for part in ("slope", "intercept", "band"):
        # The published method is a little too confident; 8,000 repetitions gave these centres.
        assert coverage[f"percentile {part}"] == pytest.approx(0.939, abs=coverage.slack)
        assert coverage[f"expanded {part}"] == pytest.approx(0.945, abs=coverage.slack)


def test_model_intervals_of_10_models_need_expanding(
    like_convnets: Callable[[np.random.Generator, int], Floats],
) -> None:
    coverage = models_coverage(10, like_convnets)
    for part in ("slope", "intercept", "band"):
        assert coverage[f"percentile {part}"] == pytest.approx(0.906, abs=coverage.slack)
        assert coverage[f"expanded {part}"] >= 0.95 - coverage.slack


@pytest.fixture(scope="module")
def items_coverage(correlated_items: Any, like_convnets: Any, convnets: Any) -> Coverage:
    """Draw 64 models from a superpopulation and then the items that they are tested on.

    The truth of an item bootstrap is the line of these models on endless items, and that of a
    bootstrap of both is the superpopulation's.
    """
    n_old, n_new, models = 10_000, 2_000, 64
    rng = np.random.default_rng(2019)
    mean_drop = 100 * (1 - SLOPE) * convnets.old.mean() - INTERCEPT
    coverage = Coverage(240)
    for _ in range(coverage.repetitions):
        x = np.clip(like_convnets(rng, models), 50, 88)
        y = SLOPE * x + INTERCEPT + rng.normal(0, 0.5, models)
        old, new = correlated_items(rng, x / 100, n_old), correlated_items(rng, y / 100, n_new)
        resamples = (
            resampled_hits(old, 200, rng=rng) / n_old, resampled_hits(new, 200, rng=rng) / n_new
        )  # fmt: skip
        linear = [transform(p, "linear") for p in resamples]
        items, line = bootstrap_items(*linear), fit_line(x, y)
        coverage.add("items slope", held(items.slope, line.slope))
        coverage.add("items intercept", held(items.intercept, line.intercept))
        coverage.add("items band", band_held(items, line.slope, line.intercept))
        observed = 100 * old.mean(axis=1), 100 * new.mean(axis=1)
        mirrored = items.reflected(fit_line(*observed))
        coverage.add("mirrored slope", held(mirrored.slope, line.slope))
        coverage.add("mirrored intercept", held(mirrored.intercept, line.intercept))
        coverage.add("mirrored band", band_held(mirrored, line.slope, line.intercept))
        coverage.add("items mean drop", held(items.mean_x - items.mean_y, x.mean() - y.mean()))
        probit = bootstrap_items(*(transform(p, "probit") for p in resamples))
        truth = fit_line(special.ndtri(x / 100), special.ndtri(y / 100))
        coverage.add("items probit slope", held(probit.slope, truth.slope))
        coverage.add("items probit intercept", held(probit.intercept, truth.intercept))
        both = bootstrap_both(*linear, 1_000, rng=rng)
        coverage.add("both slope", held(both.slope, SLOPE))
        coverage.add("both intercept", held(both.intercept, INTERCEPT))
        coverage.add("both band", band_held(both, SLOPE, INTERCEPT))
        coverage.add("both mean drop", held(both.mean_x - both.mean_y, mean_drop))
        models_only = bootstrap_models(*observed, 500, rng=rng)
        coverage.add("models only band", band_held(models_only, SLOPE, INTERCEPT))
    return coverage


@pytest.mark.parametrize(
    "part", ["slope", "intercept", "band", "mean drop", "probit slope", "probit intercept"]
)
def test_item_intervals_cover_the_line_of_these_models(part: str, items_coverage: Coverage) -> None:
    assert items_coverage[f"items {part}"] == pytest.approx(0.95, abs=items_coverage.slack)


@pytest.mark.parametrize("part", ["slope", "intercept", "band"])
def test_mirrored_item_intervals_cover_as_well(part: str, items_coverage: Coverage) -> None:
    assert items_coverage[f"mirrored {part}"] == pytest.approx(0.95, abs=items_coverage.slack)


def test_small_sets_and_unlike_models_need_mirroring(correlated_items: Any, convnets: Any) -> None:
    """Noise that models do not share flattens a line by more than percentiles can hold."""
    rng = np.random.default_rng(2019)
    line = fit_line(100 * convnets.old, 100 * convnets.new)
    coverage = Coverage(300)
    for _ in range(coverage.repetitions):
        old, new = (
            correlated_items(rng, p, n, 0.7)
            for p, n in ((convnets.old, 2_000), (convnets.new, 1_000))
        )
        x, y = (100 * resampled_hits(c, 200, rng=rng) / c.shape[1] for c in (old, new))
        samples = bootstrap_items(x, y)
        mirrored = samples.reflected(fit_line(100 * old.mean(axis=1), 100 * new.mean(axis=1)))
        coverage.add("percentile", held(samples.slope, line.slope))
        coverage.add("mirrored", held(mirrored.slope, line.slope))
    assert coverage["mirrored"] == pytest.approx(0.95, abs=coverage.slack)
    assert coverage["percentile"] < 0.9


@pytest.mark.parametrize("part", ["slope", "intercept", "band", "mean drop"])
def test_intervals_of_both_cover_the_line_of_all_models(
    part: str, items_coverage: Coverage
) -> None:
    # Resampled models carry the noise of their items already, so more than nominal is expected.
    assert items_coverage[f"both {part}"] >= 0.95 - items_coverage.slack


def test_resampling_models_only_ignores_the_noise_of_items(items_coverage: Coverage) -> None:
    # All models share the items, so more models do not average that noise away.
    assert items_coverage["models only band"] < 0.85


def test_bootstrap_spreads_add_up(correlated_items: Any, convnets: Any) -> None:
    rng = np.random.default_rng(5)
    old, new = (
        correlated_items(rng, p, n) for p, n in ((convnets.old, 10_000), (convnets.new, 2_000))
    )
    x, y = (100 * resampled_hits(c, 400, rng=rng) / c.shape[1] for c in (old, new))
    models = bootstrap_models(100 * old.mean(axis=1), 100 * new.mean(axis=1), 20_000, rng=rng)
    spreads = [models, bootstrap_items(x, y), bootstrap_both(x, y, 20_000, rng=rng)]
    by_models, by_items, by_both = (samples.slope.std() for samples in spreads)
    assert by_both > max(by_models, by_items)
    assert by_both == pytest.approx(np.hypot(by_models, by_items), rel=0.15)


def test_intervals_are_nested_in_their_level(rng: np.random.Generator) -> None:
    samples = bootstrap_models(*points(rng), 999, rng=rng)
    bands = [band(samples, GRID, level=level) for level in (0.5, 0.8, 0.95, 0.99)]
    for narrow, wide in pairwise(bands):
        assert np.all(wide.low <= narrow.low)
        assert np.all(narrow.high <= wide.high)
