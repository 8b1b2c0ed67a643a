"""Calibration error: a plain loop as reference, bins, limits, and coverage by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from freshset.stats.calibration import calibration_error, equal_mass_bins, equal_width_bins
from freshset.stats.means import Sampling

Binning = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.int64]]
BINNINGS = [equal_width_bins, equal_mass_bins]


def sampling(seed: int = 3, n_resamples: int = 400) -> Sampling:
    return Sampling(np.random.default_rng(seed), 0.95, n_resamples)


def loop_error(correct: npt.NDArray, confidence: npt.NDArray, bins: int) -> float:
    """The error of Guo and others as their words say it, bin by bin."""
    total = 0.0
    for b in range(bins):
        low, high = np.linspace(0, 1, bins + 1)[b : b + 2]
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            total += inside.mean() * gap
    return total


@st.composite
def items(draw: st.DrawFn) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    # Multiples of 1/30 meet every edge of 15 bins.
    numbers = st.one_of(st.integers(1, 30).map(lambda i: i / 30), st.floats(0.001, 1))
    rows = draw(st.lists(st.tuples(st.booleans(), numbers), min_size=1, max_size=50))
    return np.array([r for r, _ in rows]), np.array([c for _, c in rows])


@given(items(), st.integers(1, 20))
def test_the_error_equals_a_plain_loop(
    one: tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]], bins: int
) -> None:
    correct, confidence = one
    estimate, _ = calibration_error(
        correct, confidence, equal_width_bins(confidence, bins), sampling()
    )
    assert estimate.value == pytest.approx(loop_error(correct, confidence, bins), abs=1e-12)


@pytest.mark.parametrize("binning", BINNINGS)
@given(one=items(), seed=st.integers(0, 9))
def test_the_error_ignores_the_order_of_items_and_lies_in_its_interval(
    binning: Binning,
    one: tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]],
    seed: int,
) -> None:
    correct, confidence = one
    order = np.random.default_rng(seed).permutation(len(correct))
    first, _ = calibration_error(correct, confidence, binning(confidence), sampling())
    again, _ = calibration_error(
        correct[order], confidence[order], binning(confidence[order]), sampling()
    )
    assert first.value == pytest.approx(again.value, abs=1e-12)
    assert 0 <= first.low <= first.value <= first.high <= 1 + 1e-12


def test_a_case_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.62, 0.62])
    correct = np.array([True, True, True, False, True, True])
    # 4/6 |.75 - .95| + 2/6 |1 - .62|
    estimate, method = calibration_error(
        correct, confidence, equal_width_bins(confidence), sampling()
    )
    assert estimate.value == pytest.approx(4 / 6 * 0.2 + 2 / 6 * 0.38)
    assert method == "answers redrawn within bins, 400 times"


def test_confidence_on_an_edge_belongs_below_and_zero_to_the_first() -> None:
    at = np.array([0.0, 1 / 15, np.nextafter(1 / 15, 1), 14 / 15, 1.0])
    np.testing.assert_array_equal(equal_width_bins(at), [0, 0, 1, 13, 14])


def test_single_precision_meets_the_same_edges() -> None:
    assert equal_width_bins(np.array([0.5], dtype=np.float32), 2)[0] == 0


def test_bins_of_equal_mass_hold_equally_many(rng: np.random.Generator) -> None:
    ids = equal_mass_bins(rng.random(1_505))
    counts = np.bincount(ids)
    assert len(counts) == 15
    assert counts.min() >= 100
    assert counts.max() <= 101
    confidence = rng.random(30)
    by_rank = np.argsort(np.argsort(confidence)) // 2
    np.testing.assert_array_equal(equal_mass_bins(confidence), by_rank)


def test_equal_confidences_share_a_bin() -> None:
    ids = equal_mass_bins(np.array([1.0] * 90 + [0.5, 0.6]))
    # The middle one of the 90 is number 47 of 92.
    np.testing.assert_array_equal(ids, [7] * 90 + [0, 0])


def test_sure_and_always_wrong_is_the_worst() -> None:
    confidence = np.ones(50)
    worst, _ = calibration_error(
        np.zeros(50, bool), confidence, equal_width_bins(confidence), sampling()
    )
    best, _ = calibration_error(
        np.ones(50, bool), confidence, equal_width_bins(confidence), sampling()
    )
    assert (worst.value, worst.high) == (1.0, 1.0)
    assert worst.low > 0.85
    assert (best.value, best.low) == (0.0, 0.0)
    # Fifty right answers do not prove that the next one is.
    assert best.high > 0.01


def test_without_draws_there_is_no_interval() -> None:
    estimate, method = calibration_error(
        np.array([True]), np.array([0.5]), np.array([0]), Sampling(None)
    )
    assert estimate.value == 0.5
    assert np.isnan(estimate.low)
    assert method == "none: no draws were asked for"


def test_where_every_sign_is_sure_the_interval_is_that_of_a_mean(rng: np.random.Generator) -> None:
    confidence = rng.uniform(0.3, 1, 40_000)
    correct = rng.random(40_000) < confidence * 0.8
    estimate, _ = calibration_error(
        correct, confidence, equal_width_bins(confidence), sampling(n_resamples=2_000)
    )
    noise = np.sqrt(np.mean(confidence * 0.8 * (1 - confidence * 0.8)) / 40_000)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * noise, rel=0.12)


@pytest.mark.parametrize(("sure", "share"), [(0.8, 0.95), (0.999, 0.97), (0.5, 0.985)])
@pytest.mark.parametrize("n", [40, 200])
def test_the_interval_covers_where_nearly_all_are_right(
    sure: float, share: float, n: int, rng: np.random.Generator
) -> None:
    # One bin: the truth is |share - sure|, and the number of right answers is all there is.
    truth, confidence = abs(share - sure), np.full(n, sure)
    held = 0.0
    for k in range(n + 1):
        chance = stats.binom.pmf(k, n, share)
        if chance > 1e-6:
            right = np.arange(n) < k
            estimate, _ = calibration_error(right, confidence, np.zeros(n, int), sampling(k))
            held += chance * (estimate.low <= truth <= estimate.high)
    assert held > 0.92


def calibrated(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return confidence


def overconfident(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return confidence * 0.85


def slightly(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.maximum(confidence - 0.02, 0)


@pytest.mark.parametrize("n", [50, 1_000])
@pytest.mark.parametrize("binning", BINNINGS)
@pytest.mark.parametrize("accuracy", [calibrated, overconfident, slightly])
def test_the_interval_covers_where_a_bootstrap_never_would(
    accuracy: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    binning: Binning,
    n: int,
    rng: np.random.Generator,
) -> None:
    many = rng.beta(5, 1.2, 400_000)
    gap = np.bincount(binning(many), weights=accuracy(many) - many, minlength=15)
    truth = np.abs(gap).sum() / len(many)
    repeats, held, above = 300, 0, 0
    for i in range(repeats):
        confidence = rng.beta(5, 1.2, n)
        correct = rng.random(n) < accuracy(confidence)
        estimate, _ = calibration_error(correct, confidence, binning(confidence), sampling(i))
        held += estimate.low <= truth + 1e-9 and truth <= estimate.high
        above += estimate.value > truth
    assert held / repeats >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / repeats)
    if accuracy is calibrated:
        # What the docstring says of the error itself.
        assert above == repeats
