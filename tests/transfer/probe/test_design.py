from __future__ import annotations

import numpy as np
import pytest

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.design import Design

BOTH = pytest.mark.parametrize(
    "arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"]
)


@BOTH
@pytest.mark.parametrize(("n", "d"), [(50, 7), (20, 60), (300, 200)])
def test_inner_products_are_those_of_the_centred_features(arrays, n, d, rng) -> None:
    x = rng.normal(size=(n, d)) + 5
    order = rng.permutation(n)
    design = Design(arrays, x, order, dtype="float64", narrow=100)
    rows, columns = arrays.get(design.rows), arrays.get(design.columns)
    centred = (x - x.mean(axis=0))[order]
    assert np.array_equal(rows.T, columns)
    assert rows.shape[1] == (n if 4 * n <= 3 * d else d)
    assert np.allclose(rows @ rows.T, centred @ centred.T, atol=1e-9)
    # Predictions of inner weights are those of outer ones.
    inner = rng.normal(size=(2, 3, rows.shape[1]))
    outer = design.outward(inner)
    assert outer.shape == (2, 3, d)
    assert np.allclose(centred @ outer[1].T, rows @ inner[1].T)
    assert np.allclose(design.inward(outer)[0] @ rows.T, inner[0] @ rows.T)
    new = rng.normal(size=(11, d))
    seen = arrays.get(design.others(new))
    assert np.allclose(inner[0] @ seen, outer[0] @ (new - x.mean(axis=0)).T)


@BOTH
def test_main_directions_and_the_mean_of_the_rest(arrays, rng) -> None:
    x = rng.normal(size=(400, 300)) * np.arange(1, 301) ** -1.0
    design = Design(arrays, x, np.arange(400), dtype="float64", narrow=3)
    values = np.linalg.eigvalsh(np.cov(x.T, bias=True) * 400)[::-1]
    found = np.sort(arrays.get(design.values))[::-1]
    assert np.allclose(found[:20], values[:20], rtol=1e-3)
    assert design.rest == pytest.approx(values[128:].mean(), rel=0.5)
    directions = arrays.get(design.directions)
    assert np.allclose(directions.T @ directions, np.eye(128), atol=1e-8)


def test_few_features_are_decomposed_exactly(rng) -> None:
    x = rng.normal(size=(40, 5))
    design = Design(NumpyArrays(), x, np.arange(40), dtype="float64", narrow=3)
    values = np.linalg.eigvalsh(np.cov(x.T, bias=True) * 40)
    assert np.allclose(np.sort(design.values), values)


def test_features_that_say_nothing_have_no_negative_curvature() -> None:
    design = Design(
        NumpyArrays(), np.full((200, 150), 3.0), np.arange(200), dtype="float32", narrow=3
    )
    assert design.rest > 0
    assert (design.values > 0).all()
