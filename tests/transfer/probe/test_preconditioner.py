from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import problem_of

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.preconditioner import Preconditioner


@pytest.mark.parametrize("arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("penalty", [1e-3, 10.0])
def test_it_inverts_the_factored_hessian(arrays, penalty, rng) -> None:
    problem, x, _ = problem_of(arrays, seed=1)
    point = problem.at(problem.join(rng.normal(size=(3, 6)), np.zeros(3)))
    curvature = problem.loss.curvature(point.residual)
    centred = x - x.mean(axis=0)
    hessian = np.kron(curvature / 120, centred.T @ centred) + penalty * np.eye(18)
    vector = problem.join(rng.normal(size=(3, 6)), np.array([1.0, -3.0, 2.0]))
    got = arrays.get(Preconditioner(problem, curvature, penalty)(vector))
    assert np.allclose(got[:18], np.linalg.solve(hessian, arrays.get(vector)[:18]), rtol=1e-6)
    assert np.allclose(curvature @ got[18:], [1, -3, 2])
    assert got[18:].sum() == pytest.approx(0, abs=1e-12)


def test_it_is_exact_where_all_examples_have_one_curvature(rng) -> None:
    """At weights of 0 every example has the same probabilities, so nothing is lost by factoring."""
    problem, *_ = problem_of(NumpyArrays(), seed=2)
    point = problem.at(problem.join(np.zeros((3, 6)), problem.loss.offsets))
    condition = Preconditioner(problem, problem.loss.curvature(point.residual), 5.0)
    step, small = problem.join(rng.normal(size=(3, 6)), np.zeros(3)), 1e-6
    ahead = problem.gradient(problem.at(point.flat + small * step), 5.0)
    behind = problem.gradient(problem.at(point.flat - small * step), 5.0)
    change = (ahead - behind) / (2 * small)
    assert np.allclose(condition(change), step, atol=1e-5)
