from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import problem_of
from scipy.optimize import minimize

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe import newton
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.minimise import Limits, Minimiser


@pytest.mark.parametrize("arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("penalty", [1e-2, 1.0, 100.0])
def test_the_minimum_is_that_of_scipy(arrays, exact, penalty, monkeypatch) -> None:
    monkeypatch.setattr(newton, "_UNKNOWNS", 256 if exact else 0)
    problem, *_ = problem_of(arrays, seed=6)
    point = problem.at(problem.join(np.zeros((3, 6)), problem.loss.offsets))
    minimise = Minimiser(problem, Limits(1e-13, 500))
    found, condition = minimise(point, penalty, 1.0)
    assert found.converged
    assert minimise.refresh(point, penalty)
    gap = minimise.certify(point, penalty, condition)

    def value(flat):
        here = problem.at(arrays.put(flat))
        return here.objective(penalty), arrays.get(problem.gradient(here, penalty))

    best = minimize(value, np.zeros(21), jac=True, method="L-BFGS-B", tol=1e-14)
    assert point.objective(penalty) <= best.fun * (1 + 1e-10)
    assert point.objective(penalty) - gap <= best.fun * (1 + 1e-12)
    assert gap <= 1e-7 * best.fun


def test_a_limit_of_iterations_is_said() -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=6)
    point = problem.at(problem.new())
    found, _ = Minimiser(problem, Limits(1e-13, 2))(point, 1e-3, 1.0)
    assert (found.iterations, found.converged) == (2, False)


def test_margins_that_have_drifted_are_noticed() -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=6)
    minimise = Minimiser(problem, Limits(1e-8, 100))
    point = problem.at(problem.join(np.ones((3, 6)) * np.arange(3)[:, None], np.zeros(3)))
    exact = point.objective(1.0)
    point.margins += 0.01 * (point.margins != 0)
    point.loss = problem.loss.evaluate(point.margins, point.residual)
    assert not minimise.refresh(point, 1.0)
    assert point.objective(1.0) == pytest.approx(exact, rel=1e-13)
    assert minimise.refresh(point, 1.0)


def test_intercepts_that_are_off_are_put_right_before_the_certificate() -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=6)
    minimise = Minimiser(problem, Limits(1e-10, 200))
    point = problem.at(problem.new())
    _, condition = minimise(point, 1.0, 1.0)
    best = point.objective(1.0)
    point = problem.at(point.flat + problem.join(np.zeros((3, 6)), np.array([0.3, 0, -0.3])))
    gap = minimise.certify(point, 1.0, condition)
    assert point.objective(1.0) == pytest.approx(best, rel=1e-6)
    assert gap < 1e-3
    assert np.abs(point.residual.sum(axis=1)).max() < 1e-3
