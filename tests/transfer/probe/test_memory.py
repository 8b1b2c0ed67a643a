from __future__ import annotations

import numpy as np
from fakes.probe_problems import problem_of

from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.memory import Memory


def test_it_is_the_bfgs_matrix_made_of_the_same_steps(rng) -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=0)
    n, condition = 21, np.diag(rng.uniform(0.5, 2, 21))
    hessian = rng.normal(size=(n, n))
    hessian = hessian @ hessian.T + np.eye(n)
    memory, steps = Memory(problem, 1.0), [rng.normal(size=n) for _ in range(8)]
    for step in steps:
        change = hessian @ step
        memory.add(step, change, condition @ change)
    assert len(memory) == 6
    step, change = steps[-1], hessian @ steps[-1]
    assert np.isclose(memory.scale, step @ change / (change @ condition @ change))
    inverse = memory.scale * condition
    for step in steps[-6:]:
        change = hessian @ step
        rho = 1 / (step @ change)
        left = np.eye(n) - rho * np.outer(step, change)
        inverse = left @ inverse @ left.T + rho * np.outer(step, step)
    gradient = rng.normal(size=n)
    assert np.allclose(memory.direction(gradient, condition @ gradient), -inverse @ gradient)
    memory.clear()
    assert np.allclose(
        memory.direction(gradient, condition @ gradient), -memory.scale * condition @ gradient
    )


def test_a_step_of_negative_curvature_is_left_out() -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=0)
    memory, one = Memory(problem, 0.5), np.ones(21)
    memory.add(one, -one, -one)
    memory.add(one, one, -one)
    assert (len(memory), memory.scale) == (0, 0.5)
