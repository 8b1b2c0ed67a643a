"""Values, counts and levels that every other statistic is made of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from freshset.stats.types import Estimate, as_counts, check_level, none_if_nan


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.3, True), (-0.3, -0.1, True), (-0.1, 0.1, False), (0.0, 0.1, False)],
)
def test_estimate_excludes_zero_only_strictly(low: float, high: float, expected: bool) -> None:
    assert Estimate((low + high) / 2, low, high).excludes_zero is expected


def test_absent_interval_does_not_exclude_zero() -> None:
    assert not Estimate(1.0, float("nan"), float("nan")).excludes_zero


def test_estimate_to_dict_holds_what_json_can() -> None:
    assert Estimate(0.5, float("nan"), float("inf")).to_dict() == {
        "value": 0.5,
        "low": None,
        "high": None,
    }


def test_estimate_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Estimate(0.0, 0.0, 0.0).value = 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_none_if_nan_drops_what_is_not_finite(value: float) -> None:
    assert none_if_nan(value) is None


def test_none_if_nan_keeps_a_plain_float() -> None:
    kept = none_if_nan(np.float64(0.25))
    assert kept == 0.25
    assert type(kept) is float


def test_counts_are_broadcast() -> None:
    k, n = as_counts([[1], [2]], [10, 20, 30])
    assert k.shape == n.shape == (2, 3)
    assert k.dtype == n.dtype == float


def test_counts_need_not_be_whole() -> None:
    k, _ = as_counts(0.7655 * 50_000, 50_000)
    assert k == 38_275


@pytest.mark.parametrize(
    ("k", "n", "message"),
    [
        (float("nan"), 10, "finite"),
        (1, float("inf"), "finite"),
        (0, 0, "positive"),
        (0, -1, "positive"),
        (-1, 10, "between 0 and n"),
        (11, 10, "between 0 and n"),
        ([1, 2], [10, 20, 30], "broadcast"),
    ],
)
def test_impossible_counts_are_refused(k: object, n: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_counts(k, n)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 95, float("nan")])
def test_levels_outside_the_open_unit_interval_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        check_level(level)


def test_check_level_returns_alpha() -> None:
    assert check_level(0.95) == pytest.approx(0.05)
