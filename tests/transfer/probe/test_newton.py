from __future__ import annotations

import numpy as np
import pytest
from fakes.probe_problems import multilabel, problem_of

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.design import Design
from freshset.transfer.probe.losses import Sigmoid
from freshset.transfer.probe.newton import ExactInverse, is_small
from freshset.transfer.probe.problem import Problem

BOTH = pytest.mark.parametrize(
    "arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"]
)


def check(problem: Problem, rng) -> None:
    arrays, size = problem.arrays, (problem.classes, problem.width)
    point = problem.at(problem.join(rng.normal(size=size), rng.normal(size=size[0])))
    inverse = ExactInverse(problem, point.residual, 0.3)
    away = rng.normal(size=size[0])
    step, small = problem.join(rng.normal(size=size), away - away.mean()), 1e-5
    ahead = problem.gradient(problem.at(point.flat + small * step), 0.3)
    behind = problem.gradient(problem.at(point.flat - small * step), 0.3)
    change = (ahead - behind) / (2 * small)
    assert np.allclose(arrays.get(inverse(change)), arrays.get(step), atol=1e-4)
    assert problem.dot(change, inverse(change)) > 0
    gradient = problem.split(change)[1]
    assert arrays.get(inverse.intercepts(gradient)).shape == (size[0],)


@BOTH
def test_softmax(arrays, rng) -> None:
    check(problem_of(arrays, seed=3)[0], rng)


@BOTH
def test_sigmoid(arrays, rng) -> None:
    train = multilabel(4)
    design = Design(arrays, train.features, np.arange(150), dtype="float64", narrow=4)
    loss = Sigmoid(arrays, train.labels, dtype="float64")
    check(Problem(arrays, design, loss, "float64"), rng)


def test_what_counts_as_small() -> None:
    assert is_small(problem_of(NumpyArrays(), seed=0)[0])
    assert not is_small(problem_of(NumpyArrays(), seed=0, d=90)[0])
