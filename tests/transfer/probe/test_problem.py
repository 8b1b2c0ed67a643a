from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import objective, problem_of

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays

BOTH = pytest.mark.parametrize(
    "arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"]
)


@BOTH
def test_objective_and_gradient(arrays, rng) -> None:
    problem, x, y = problem_of(arrays, seed=0)
    weights, intercepts = rng.normal(size=(3, 6)), rng.normal(size=3)
    flat = problem.join(weights, intercepts)
    point = problem.at(flat)
    centred = x - x.mean(axis=0)
    wanted = objective(centred, y, weights, intercepts, 0.7)
    assert point.objective(0.7) == pytest.approx(wanted, rel=1e-12)
    gradient = arrays.get(problem.gradient(point, 0.7))
    for i in (0, 4, 11, 18, 20):
        step = np.zeros(21)
        step[i] = 1e-6
        values = []
        for sign in (1, -1):
            moved = arrays.get(flat) + sign * step
            values.append(objective(centred, y, moved[:18].reshape(3, 6), moved[18:], 0.7))
        assert gradient[i] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)
    assert problem.multiplications == 2 * (2 * 120 * 6 * 3)


@BOTH
def test_products_leave_intercepts_out_where_weights_are_meant(arrays) -> None:
    problem, *_ = problem_of(arrays, seed=0)
    flat = problem.join(np.ones((3, 6)), 2 * np.ones(3))
    assert problem.dot(flat, flat) == 30
    assert problem.weight_dot(flat, flat) == 18
    weights, intercepts = problem.split(flat)
    assert weights.shape == (3, 6)
    assert arrays.get(intercepts).tolist() == [2, 2, 2]
    assert not arrays.get(problem.new()).any()
    assert tuple(problem.room().shape) == (3, 120)
