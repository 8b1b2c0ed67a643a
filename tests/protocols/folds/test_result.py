from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from freshset.protocols.folds.result import (
    SCHEMA,
    FoldScore,
    KFoldResult,
    Official,
    gap_between,
)
from freshset.protocols.folds.splits import Scheme
from freshset.stats.types import Estimate

FOLDS = tuple(FoldScore(0, k, 80, 20, s) for k, s in enumerate((0.9, 0.95, 0.97, 0.93, 0.95)))
RESULT = KFoldResult(
    "svm", "digits", 100, Scheme("plain", 5, 1), "accuracy", 0.95, FOLDS,
    Estimate(0.94, 0.90, 0.98), Estimate(0.94, 0.92, 0.96), (0.94,),
)  # fmt: skip


def opened(value: float, low: float, high: float) -> KFoldResult:
    score = Estimate(value, low, high)
    gap = gap_between(RESULT.mean, score)
    return replace(RESULT, official=Official("new", 500, score, gap, before=False))


def test_the_blind_spot_is_always_said_with_numbers() -> None:
    text = RESULT.findings[-1]
    assert text.startswith("Folds of one data set cannot see a distribution gap.")
    assert "4.0 points either way" in text
    assert "93.5 to 94.0 %" in text
    assert "84.9 %" in text


def test_the_naive_interval_is_called_too_short() -> None:
    first = RESULT.findings[0]
    assert "94.0 % (95 % interval 90.0 to 98.0 %" in first
    assert "92.0 to 96.0 %, 2.0 times too short" in first


def test_a_gap_beyond_both_intervals_is_said() -> None:
    text = opened(0.80, 0.77, 0.83).findings[1]
    assert "80.0 % (77.0 to 83.0 %), a change of -14.0 points" in text
    assert "worse, beyond both intervals (9.0 to 19.0 points folds less official)" in text
    near = opened(0.93, 0.90, 0.95).findings[1]
    assert "allow to be none" in near
    before = replace(opened(0.8, 0.77, 0.83))
    again = replace(before, official=replace(before.official, before=True))
    assert "opened by an earlier run" in again.findings[1]


def test_for_errors_more_is_worse() -> None:
    score = Estimate(3.0, 2.9, 3.1)
    gap = gap_between(Estimate(1.0, 0.9, 1.1), score)
    result = replace(
        RESULT, metric="mean-absolute-error", mean=Estimate(1.0, 0.9, 1.1),
        official=Official("new", 50, score, gap, before=False),
    )  # fmt: skip
    assert ": worse, beyond" in result.findings[1]


def test_the_gap_combines_limits() -> None:
    gap = gap_between(Estimate(0.9, 0.87, 0.92), Estimate(0.8, 0.76, 0.83))
    assert gap.value == pytest.approx(0.1)
    assert gap.low == pytest.approx(0.1 - np.hypot(0.03, 0.03))
    assert gap.high == pytest.approx(0.1 + np.hypot(0.02, 0.04))


def test_the_document() -> None:
    data = json.loads(json.dumps(opened(0.8, 0.77, 0.83).to_dict()))
    assert data["schema"] == SCHEMA
    assert data["scheme"] == {"kind": "plain", "folds": 5, "repeats": 1, "seed": 0}
    assert data["official"]["gap"]["value"] == pytest.approx(0.14)
    assert data["folds"][4] == {
        "repeat": 0, "fold": 4, "n_train": 80, "n_test": 20, "score": 0.95,
    }  # fmt: skip
    assert len(data["findings"]) == 3


def test_the_gap_covers() -> None:
    """Simulated: a mean over folds with a normal interval, and a binomial official score."""
    from freshset.stats.intervals import clopper_pearson

    rng = np.random.default_rng(4)
    runs, n, truth, se = 3000, 300, (0.93, 0.90), 0.01
    means = rng.normal(truth[0], se, runs)
    right = rng.binomial(n, truth[1], runs)
    ci = clopper_pearson(right, n)
    held = 0
    for k in range(runs):
        mean = Estimate(means[k], means[k] - 1.96 * se, means[k] + 1.96 * se)
        gap = gap_between(mean, Estimate(right[k] / n, float(ci.low[k]), float(ci.high[k])))
        held += gap.low <= truth[0] - truth[1] <= gap.high
    # Exact limits make it a little conservative.
    assert 0.945 <= held / runs <= 0.985
