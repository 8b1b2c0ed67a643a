"""Sample sizes and power: published figures, round trips and simulated tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from freshset.stats.paired import mcnemar_midp
from freshset.stats.power import (
    detectable_drop,
    fresh_items_for_drop,
    items_for_pair,
    power_of_drop,
    power_of_pair,
)

ACCURACY = st.floats(0.3, 0.97)
DROP = st.floats(0.005, 0.2)
SIZE = st.integers(500, 200_000)
POWER = st.sampled_from([0.6, 0.8, 0.95])
LEVEL = st.sampled_from([0.8, 0.95, 0.99])


# A drop between two sets


@pytest.mark.parametrize(
    ("p_old", "n_old", "drop", "rounded"),
    [
        (0.90, 10_000, 0.01, 26_172),
        (0.90, 10_000, 0.02, 2_517),
        (0.76, 50_000, 0.01, 20_621),
        (0.76, 50_000, 0.02, 4_066),
    ],
)
def test_fresh_items_of_known_cases(p_old: float, n_old: int, drop: float, rounded: int) -> None:
    # Computed by hand from the formula and rounded to nearest; items are only ever whole.
    assert 0 <= fresh_items_for_drop(p_old, drop, n_old) - rounded <= 1


def test_an_old_set_of_10000_at_95_percent_can_never_show_half_a_point() -> None:
    assert fresh_items_for_drop(0.95, 0.005, 10_000) == float("inf")
    assert power_of_drop(0.95, 0.005, 10_000, 10**9) < 0.8


@given(ACCURACY, DROP, SIZE, LEVEL, POWER)
def test_needed_items_are_the_fewest_that_reach_the_power(
    p_old: float, drop: float, n_old: int, level: float, power: float
) -> None:
    n = fresh_items_for_drop(p_old, drop, n_old, level=level, power=power)
    if n == float("inf"):
        assert power_of_drop(p_old, drop, n_old, 10**12, level=level) <= power + 1e-6
        return
    assert n == int(n) >= 1
    assert power_of_drop(p_old, drop, n_old, int(n), level=level) >= power - 1e-9
    if n > 1:
        # The power counts both tails and the formula only the nearer one, hence the allowance.
        fewer = power_of_drop(p_old, drop, n_old, int(n) - 1, level=level)
        assert fewer < power + stats.norm.cdf(2 * stats.norm.ppf((1 - level) / 2))


@given(ACCURACY, SIZE, SIZE, LEVEL, POWER)
def test_detectable_drop_is_the_root_of_its_equation(
    p_old: float, n_old: int, n_new: int, level: float, power: float
) -> None:
    z = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)

    def excess(drop: float) -> float:
        p_new = p_old - drop
        return drop - z * np.sqrt(p_old * (1 - p_old) / n_old + p_new * (1 - p_new) / n_new)

    drop = detectable_drop(p_old, n_old, n_new, level=level, power=power)
    assert drop == pytest.approx(optimize.brentq(excess, 0, p_old), rel=1e-6)


@given(ACCURACY, SIZE, SIZE, POWER)
def test_detectable_drop_needs_exactly_the_items_there_are(
    p_old: float, n_old: int, n_new: int, power: float
) -> None:
    drop = detectable_drop(p_old, n_old, n_new, power=power)
    needed = fresh_items_for_drop(p_old, drop, n_old, power=power)
    # Rounding up may land on the next item, and a small old set amplifies rounding errors.
    assert needed == pytest.approx(n_new, rel=1e-4, abs=1)


@given(ACCURACY, DROP, SIZE, SIZE)
def test_power_grows_with_items_and_with_the_drop(
    p_old: float, drop: float, n_old: int, n_new: int
) -> None:
    power = power_of_drop(p_old, drop, n_old, n_new)
    assert 0.05 <= power <= 1
    assert power_of_drop(p_old, drop, 2 * n_old, n_new) >= power
    assert power_of_drop(p_old, drop, n_old, 2 * n_new) >= power
    assert power_of_drop(p_old, drop, n_old, n_new, level=0.9) >= power


def test_a_perfect_old_score_does_not_make_every_drop_visible() -> None:
    # Nothing varies at 100 %, but the fresh set still does once something dropped.
    drop = detectable_drop(1.0, 10_000, 2_000)
    assert 0.001 < drop < 0.01
    assert fresh_items_for_drop(1.0, drop, 10_000) == 2_000
    assert power_of_drop(1.0, drop, 10_000, 2_000) == pytest.approx(0.8, abs=1e-6)


def test_sets_too_small_to_see_even_a_loss_of_everything() -> None:
    assert np.isnan(detectable_drop(0.01, 10, 10))
    assert np.isnan(detectable_drop(0.0, 10_000, 10_000))


def test_a_rise_counts_like_a_drop() -> None:
    assert power_of_drop(0.4, -0.1, 500, 500) == pytest.approx(power_of_drop(0.5, 0.1, 500, 500))
    assert fresh_items_for_drop(0.76, -0.02, 50_000) > 0


def test_scores_without_variance() -> None:
    assert power_of_drop(1.0, 1.0, 10, 10) == 1
    assert fresh_items_for_drop(1.0, 1.0, 10) == 1


@pytest.mark.parametrize(
    ("p_old", "drop", "n_old", "n_new"),
    [(0.9, 0.02, 10_000, 2_517), (0.76, 0.02, 10_000, 5_000), (0.93, 0.01, 10_000, 2_000)],
)
def test_power_of_a_drop_is_that_of_a_simulated_test(
    p_old: float, drop: float, n_old: int, n_new: int, rng: np.random.Generator
) -> None:
    repetitions = 40_000
    old = rng.binomial(n_old, p_old, repetitions) / n_old
    new = rng.binomial(n_new, p_old - drop, repetitions) / n_new
    z = (old - new) / np.sqrt(old * (1 - old) / n_old + new * (1 - new) / n_new)
    found = np.mean(np.abs(z) > stats.norm.ppf(0.975))
    power = power_of_drop(p_old, drop, n_old, n_new)
    # One point is the formula's own error: it takes the standard error for known.
    assert found == pytest.approx(power, abs=0.01 + 3 * np.sqrt(0.25 / repetitions))


@pytest.mark.parametrize(("p_old", "drop"), [(0.9, 0.0), (0.9, 0.95), (0.9, -0.2), (1.1, 0.2)])
def test_impossible_drops_are_refused(p_old: float, drop: float) -> None:
    with pytest.raises(ValueError, match="a drop that is not 0"):
        fresh_items_for_drop(p_old, drop, 100)
    with pytest.raises(ValueError, match="a drop that is not 0"):
        power_of_drop(p_old, drop, 100, 100)


@pytest.mark.parametrize("p_old", [-0.1, 1.1])
def test_impossible_accuracies_are_refused(p_old: float) -> None:
    with pytest.raises(ValueError, match="p_old"):
        detectable_drop(p_old, 100, 100)


# Two models on one set


@pytest.mark.parametrize(
    ("difference", "discordance", "rounded"),
    [(0.01, 0.10, 7_847), (0.01, 0.05, 3_922), (0.005, 0.05, 15_695), (0.005, 0.02, 6_277)],
)
def test_items_of_known_pairs(difference: float, discordance: float, rounded: int) -> None:
    assert 0 <= items_for_pair(difference, discordance) - rounded <= 1


@given(st.floats(0.002, 0.2), st.floats(1, 20), LEVEL, POWER)
def test_items_for_a_pair_are_the_fewest_that_reach_the_power(
    difference: float, ratio: float, level: float, power: float
) -> None:
    discordance = min(1.0, difference * ratio)
    n = int(items_for_pair(difference, discordance, level=level, power=power))
    assert power_of_pair(difference, discordance, n, level=level) >= power - 1e-9
    if n > 1:
        fewer = power_of_pair(difference, discordance, n - 1, level=level)
        assert fewer < power + stats.norm.cdf(2 * stats.norm.ppf((1 - level) / 2))


@given(st.floats(0.002, 0.2), st.floats(1.01, 4), SIZE)
def test_power_of_a_pair_falls_with_discordance_and_ignores_the_sign(
    difference: float, ratio: float, n: int
) -> None:
    power = power_of_pair(difference, difference * ratio, n)
    assert power_of_pair(-difference, difference * ratio, n) == power
    assert power_of_pair(difference, difference * ratio, 2 * n) >= power
    noisier = power_of_pair(difference, difference * ratio * 1.2, n)
    # Below one half, more noise moves the power towards one half, which is upwards.
    assert noisier <= power + 1e-12 or power < 0.5


def test_a_pair_that_differs_only_one_way_needs_enough_items_for_significance() -> None:
    assert power_of_pair(0.1, 0.1, 1_000) > 0.999
    assert power_of_pair(1.0, 1.0, 3) == 0
    assert power_of_pair(1.0, 1.0, 4) == 1


@pytest.mark.parametrize(
    ("difference", "discordance", "n"), [(0.01, 0.1, 7_848), (0.02, 0.15, 2_000), (0.03, 0.08, 900)]
)
def test_power_of_a_pair_is_that_of_a_simulated_mcnemar_test(
    difference: float, discordance: float, n: int, rng: np.random.Generator
) -> None:
    repetitions = 40_000
    law = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    b, c, _ = rng.multinomial(n, law, size=repetitions).T
    found = np.mean(mcnemar_midp(b, c) <= 0.05)
    # One point for the normal approximation to the binomial.
    assert found == pytest.approx(
        power_of_pair(difference, discordance, n), abs=0.01 + 3 * np.sqrt(0.25 / repetitions)
    )


@pytest.mark.parametrize(
    ("difference", "discordance"), [(0.0, 0.1), (0.2, 0.1), (0.1, 1.1), (-0.2, 0.1)]
)
def test_impossible_pairs_are_refused(difference: float, discordance: float) -> None:
    with pytest.raises(ValueError, match="discordance"):
        items_for_pair(difference, discordance)
    with pytest.raises(ValueError, match="discordance"):
        power_of_pair(difference, discordance, 100)


# What all of them refuse


@pytest.mark.parametrize("power", [0.0, 1.0, 80.0])
def test_impossible_powers_are_refused(power: float) -> None:
    for call in (
        lambda: fresh_items_for_drop(0.9, 0.01, 100, power=power),
        lambda: detectable_drop(0.9, 100, 100, power=power),
        lambda: items_for_pair(0.01, 0.1, power=power),
    ):
        with pytest.raises(ValueError, match="power"):
            call()


@pytest.mark.parametrize("n", [0, -5])
def test_sets_without_items_are_refused(n: int) -> None:
    for call in (
        lambda: fresh_items_for_drop(0.9, 0.01, n),
        lambda: power_of_drop(0.9, 0.01, n, 100),
        lambda: power_of_drop(0.9, 0.01, 100, n),
        lambda: detectable_drop(0.9, 100, n),
        lambda: power_of_pair(0.01, 0.1, n),
    ):
        with pytest.raises(ValueError, match="items must be positive"):
            call()


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_impossible_levels_are_refused(level: float) -> None:
    for call in (
        lambda: fresh_items_for_drop(0.9, 0.01, 100, level=level),
        lambda: power_of_drop(0.9, 0.01, 100, 100, level=level),
        lambda: detectable_drop(0.9, 100, 100, level=level),
        lambda: items_for_pair(0.01, 0.1, level=level),
        lambda: power_of_pair(0.01, 0.1, 100, level=level),
    ):
        with pytest.raises(ValueError, match="level"):
            call()
