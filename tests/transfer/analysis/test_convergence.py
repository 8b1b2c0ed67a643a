"""Convergence by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.transfer_results import simulated
from scipy.special import expit

from freshset.transfer.analysis.convergence import converge
from freshset.transfer.results import LengthResult


def lengths(dataset: str, tuned: list[float], scratch: list[float]) -> list[LengthResult]:
    return [
        LengthResult("net 0", dataset, regime, steps, 0, float(expit(value)))
        for regime, values in (("finetune", tuned), ("scratch", scratch))
        for steps, value in zip((10, 100, 1000), values, strict=True)
    ]


def test_steps_and_speedup(fast) -> None:
    results = simulated(1, 2, 1, extras=False)
    given = [*lengths("set-0", [1, 2, 2.05], [0, 1, 2]), *lengths("set-1", [2, 1, 1], [0, 1.95, 2])]
    found = converge(replace(results, lengths=tuple(given)), fast)
    assert found is not None
    assert found.basis == "lengths"
    assert [c.first for c in found.curves] == [100, 1000, 10, 100]
    assert [c.at_end for c in found.curves] == [True, True, False, True]
    assert found.mean_steps == (("finetune", 55.0), ("scratch", 550.0))
    assert found.speedup.value == pytest.approx(10)
    assert found.pairs == 2


def test_curves_along_runs_are_the_second_choice(fast) -> None:
    results = simulated(1, 1, 2, extras=False)
    assert converge(results, fast) is None
    shape = ((0, 0.2), (10, 0.5), (20, 0.8), (30, 0.8))
    with_curves = replace(
        results,
        results=tuple(replace(r, curve=shape) for r in results.results if r.regime == "finetune"),
    )
    found = converge(with_curves, fast)
    assert found is not None
    assert found.basis == "curves"
    (curve,) = found.curves
    assert curve.steps.tolist() == [10, 20, 30]
    assert curve.first == 20
    assert not curve.at_end
    assert found.pairs == 0
    assert np.isnan(found.speedup.value)


def test_runs_that_diverged_and_single_lengths_are_left_out(fast) -> None:
    results = simulated(1, 2, 1, extras=False)
    given = [
        LengthResult("net 0", "set-0", "finetune", 10, 0, 0.5),
        LengthResult("net 0", "set-0", "finetune", 20, 0, float("nan")),
        LengthResult("net 0", "set-0", "finetune", 30, 0, 0.5),
        LengthResult("net 0", "set-0", "finetune", 30, 1, 0.7),
        LengthResult("net 0", "set-1", "finetune", 10, 0, 0.5),
    ]
    found = converge(replace(results, lengths=tuple(given)), fast)
    assert found is not None
    (curve,) = found.curves
    assert curve.score.tolist() == [0.5, pytest.approx(0.6)]
