"""Draws until all needs are met: the collector's problem, against known cases and plain simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.arrivals import Need, expected_draws, needs_of, simulate_draws


def one_by_one(
    needs: tuple[Need, ...], p: np.ndarray, *, times: int, rng: np.random.Generator
) -> np.ndarray:
    """The process itself: draw a kind, count, look whether all needs are met."""
    edges = np.cumsum(p)
    out = np.empty(times)
    for number in range(times):
        counts = np.zeros(len(p) + 1)
        draws = 0
        while any(counts[list(need.kinds)].sum() < need.count for need in needs):
            counts[np.searchsorted(edges, rng.random(), side="right")] += 1
            draws += 1
        out[number] = draws
    return out


def test_one_kind_is_a_negative_binomial() -> None:
    assert expected_draws([Need((0,), 7)], np.array([0.2, 0.8])) == pytest.approx(35)
    assert expected_draws([], np.array([0.2])) == 0


def test_all_of_equal_kinds_is_the_coupon_collector() -> None:
    n = 6
    needs = [Need((kind,), 1) for kind in range(n)]
    expected = n * sum(1 / k for k in range(1, n + 1))
    assert expected_draws(needs, np.full(n, 1 / n)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("missing", "p", "upward"),
    [
        ((3, 0, 2, -1), (0.1, 0.3, 0.2, 0.4), False),
        ((1, 4), (0.05, 0.2), False),
        ((2, 1, -1, 0), (0.4, 0.3, 0.05, 0.05), True),
        ((0, 3, 2), (0.5, 0.1, 0.2), True),
    ],
)
def test_simulation_and_expectation_are_those_of_the_process(
    missing: tuple[int, ...], p: tuple[float, ...], upward: bool, rng: np.random.Generator
) -> None:
    needs, probabilities = needs_of(missing, upward=upward), np.array(p)
    plain = one_by_one(needs, probabilities, times=4_000, rng=rng)
    quick = simulate_draws(needs, probabilities, times=100_000, rng=rng)
    error = plain.std() / np.sqrt(len(plain))
    assert quick.mean() == pytest.approx(plain.mean(), abs=4 * error)
    assert quick.std() == pytest.approx(plain.std(), rel=0.1)
    for tail in (0.05, 0.5, 0.95):
        assert np.quantile(quick, tail) == pytest.approx(np.quantile(plain, tail), rel=0.08, abs=1)
    if not upward:
        exact = expected_draws(needs, probabilities)
        assert quick.mean() == pytest.approx(exact, rel=0.01)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=6))
def test_filling_upward_never_needs_more(missing: list[int]) -> None:
    strict, upward = needs_of(missing), needs_of(missing, upward=True)
    assert {need.kinds[0]: need.count for need in strict} == {
        kind: n for kind, n in enumerate(missing) if n > 0
    }
    p = np.full(len(missing), 1 / len(missing))
    rng = np.random.default_rng(0)
    low = simulate_draws(upward, p, times=2_000, rng=rng).mean()
    high = simulate_draws(strict, p, times=2_000, rng=rng).mean()
    assert low <= high * 1.1 + 0.1


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5))
def test_upward_needs_are_those_of_the_greedy_rule(missing: list[int]) -> None:
    """Every slot that is short takes from the nearest higher group that has something left."""
    left = [max(0, -n) for n in missing]
    short = 0
    for kind, n in enumerate(missing):
        for _ in range(max(0, n)):
            donor = next((k for k in range(kind + 1, len(missing)) if left[k]), None)
            if donor is None:
                short += 1
            else:
                left[donor] -= 1
    assert (short == 0) == (not needs_of(missing, upward=True))


def test_what_cannot_come_takes_for_ever() -> None:
    needs, p = [Need((0,), 1), Need((1,), 1)], np.array([0.5, 0.0])
    assert expected_draws(needs, p) == float("inf")
    assert np.isinf(simulate_draws(needs, p, times=3, rng=np.random.default_rng(0))).all()
    # As part of a need that another kind can meet, it does no harm.
    both = [Need((0, 1), 2)]
    assert expected_draws(both, p) == pytest.approx(4)
    draws = simulate_draws(both, p, times=20_000, rng=np.random.default_rng(0))
    assert draws.mean() == pytest.approx(4, abs=0.1)


def test_nothing_missing_needs_nothing() -> None:
    assert (
        simulate_draws((), np.array([1.0]), times=3, rng=np.random.default_rng(0)).tolist()
        == [0] * 3
    )
    assert needs_of([0, -2]) == needs_of([0, -2], upward=True) == ()


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        expected_draws([Need((0, 1), 1), Need((1,), 1)], np.array([0.5, 0.5]))
    for p in ([0.7, 0.7], [-0.1, 0.5], [float("nan")]):
        with pytest.raises(ValueError, match="probabilities"):
            simulate_draws([Need((0,), 1)], np.array(p), times=1, rng=np.random.default_rng(0))
