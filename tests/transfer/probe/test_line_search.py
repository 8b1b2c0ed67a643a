from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import problem_of

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.line_search import Line, search


def setting(arrays, rng, length):
    problem, *_ = problem_of(arrays, seed=5)
    point = problem.at(problem.join(rng.normal(size=(3, 6)), rng.normal(size=3)))
    gradient = problem.gradient(point, 0.1)
    direction, change = -length * gradient, problem.room()
    problem.margins(direction, change)
    return problem, point, Line(direction, change, -length * problem.dot(gradient, gradient))


@pytest.mark.parametrize("arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("length", [1e-7, 1e-3, 1.0, 1e4, 1e9])
def test_any_length_of_the_direction_ends_lower_and_flatter(arrays, length, rng) -> None:
    problem, point, line = setting(arrays, rng, length)
    before, flat = point.objective(0.1), point.flat
    step = search(problem, point, line, 0.1, problem.room())
    assert step > 0
    assert point.objective(0.1) < before
    assert np.allclose(arrays.get(point.flat), arrays.get(flat + step * line.direction))
    # All that the point says of itself is so.
    fresh = problem.at(point.flat)
    assert point.objective(0.1) == pytest.approx(fresh.objective(0.1), rel=1e-10)
    assert np.allclose(arrays.get(point.margins), arrays.get(fresh.margins), atol=1e-9)
    assert np.allclose(arrays.get(point.residual), arrays.get(fresh.residual), atol=1e-9)
    slope = problem.dot(problem.gradient(fresh, 0.1), line.direction)
    assert 0.9 * line.slope - 1e-12 <= slope <= -0.7 * line.slope


def test_an_ascent_leaves_the_point_where_it_was(rng) -> None:
    problem, point, line = setting(NumpyArrays(), rng, 1.0)
    flat, margins, before = point.flat.copy(), point.margins.copy(), point.objective(0.1)
    back = Line(-line.direction, -line.change, -1.0)  # a slope that is not true
    assert search(problem, point, back, 0.1, problem.room()) == 0
    assert np.array_equal(point.flat, flat)
    assert np.array_equal(point.margins, margins)
    assert point.objective(0.1) == before
    assert np.allclose(point.residual, problem.at(point.flat).residual)
