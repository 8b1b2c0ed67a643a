from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import problem_of

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.minimise import Limits, Minimiser
from freshset.transfer.probe.predictor import Predictor, lead_in

GRID = [10.0 ** (1 - i / 4) for i in range(9)]


@pytest.mark.parametrize("arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"])
def test_starts_come_much_nearer_than_the_last_solution(arrays) -> None:
    problem, *_ = problem_of(arrays, seed=7)
    predictor, minimise = Predictor(problem, 1e-10), Minimiser(problem, Limits(1e-12, 200))
    point = problem.at(problem.new())
    shares = []
    for penalty in GRID:
        plain = point.objective(penalty)
        predictor.start(point, penalty)
        start = point.objective(penalty)
        fresh = problem.at(point.flat)
        assert start == pytest.approx(fresh.objective(penalty), rel=1e-11)
        assert np.allclose(arrays.get(point.margins), arrays.get(fresh.margins), atol=1e-9)
        assert np.allclose(arrays.get(point.residual), arrays.get(fresh.residual), atol=1e-9)
        minimise(point, penalty, 1.0)
        best = point.objective(penalty)
        shares.append((start - best) / (plain - best))
        predictor.note(point, penalty)
    assert shares[:2] == [1, 1]
    assert max(shares[2:]) < 0.1
    assert max(shares[4:]) < 1e-3


def test_a_solution_that_did_not_move_shows_no_direction() -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=7)
    predictor = Predictor(problem, 1e-10)
    point = problem.at(problem.join(np.ones((3, 6)), np.zeros(3)))
    predictor.note(point, 1.0)
    point.flat = point.flat + 1e-15
    predictor.note(point, 0.5)
    before = point.flat
    predictor.start(point, 0.25)
    assert point.flat is before


def test_it_never_makes_a_start_worse(rng) -> None:
    problem, *_ = problem_of(NumpyArrays(), seed=7)
    predictor = Predictor(problem, 1e-10)
    for penalty in GRID:
        point = problem.at(problem.join(rng.normal(size=(3, 6)), rng.normal(size=3)))
        before = point.objective(penalty)
        predictor.start(point, penalty)
        assert point.objective(penalty) <= before
        predictor.note(point, penalty)


def test_a_path_that_begins_deep_is_led_into() -> None:
    problem, x, _ = problem_of(NumpyArrays(), seed=7)
    point = problem.at(problem.join(np.zeros((3, 6)), problem.loss.offsets))
    top = np.linalg.eigvalsh(np.cov(x.T, bias=True) * 120)[-1] / 3
    assert lead_in(problem, point, top) == []
    way = lead_in(problem, point, top / 1e4)
    assert len(way) == pytest.approx(8, abs=1)
    assert way[0] == pytest.approx(top, rel=3)
    assert np.allclose(np.divide(way[:-1], way[1:]), 10**0.5)
    assert way[-1] == pytest.approx(top / 1e4 * 10**0.5)
