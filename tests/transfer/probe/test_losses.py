"""Losses against their definitions, and their derivatives against differences, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax

from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays
from freshset.transfer.probe.losses import Sigmoid, Softmax

BOTH = pytest.mark.parametrize(
    "arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"]
)
LABELS = np.repeat([0, 1, 2, 3], [300, 5, 700, 40])


def evaluated(arrays, loss, logits):
    margins = arrays.put(logits)
    loss.centre(margins)
    residual = arrays.zeros(logits.shape, logits.dtype)
    return loss.evaluate(margins, residual), residual


@BOTH
def test_softmax(arrays, rng) -> None:
    z = rng.normal(size=(4, len(LABELS))) * 5
    loss, residual = evaluated(arrays, Softmax(arrays, LABELS), z)
    at = np.arange(len(LABELS))
    assert loss == pytest.approx((logsumexp(z, axis=0) - z[LABELS, at]).sum(), rel=1e-12)
    expected = softmax(z, axis=0)
    expected[LABELS, at] -= 1
    assert np.allclose(arrays.get(residual), expected, atol=1e-14)


@BOTH
def test_softmax_in_float32_where_p_is_1_but_for_its_rounding(arrays) -> None:
    for margin in (20.0, 60.0, 0.0, -50.0, -1000.0):
        z = np.zeros((3, 2), np.float32)
        z[0, 0] = z[1, 1] = margin
        loss, residual = evaluated(arrays, Softmax(arrays, np.array([0, 1])), z)
        wide = z.astype(float)
        others = 2 * np.exp(-margin) if margin > -700 else np.inf
        exact = 2 * (np.log1p(others) if margin > -700 else -margin + np.log(2))
        assert loss == pytest.approx(exact, rel=3e-7)
        p = np.exp(wide - logsumexp(wide, axis=0))
        got = arrays.get(residual)
        assert np.allclose(got[2], p[2], rtol=1e-6, atol=0)
        assert np.allclose(got.sum(axis=0), 0, atol=1e-7)
        assert got[0, 0] == pytest.approx(-(p[1:, 0].sum()), rel=1e-6)


def hessians(loss, z, step=1e-5):
    """Sum over examples of second derivatives in the logits, by central differences."""
    k, n = z.shape
    out = np.zeros((k, k, n))
    for m in range(k):
        up, down = z.copy(), z.copy()
        up[m] += step
        down[m] -= step
        high, low = (np.array(evaluated(NumpyArrays(), loss, one)[1]) for one in (up, down))
        out[:, m] = (high - low) / (2 * step)
    return out


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
@BOTH
def test_curvature_and_products(arrays, kind, rng) -> None:
    z = rng.normal(size=(4, len(LABELS))) * 2
    shown = rng.random((len(LABELS), 4)) < 0.3

    def make(a):
        return Softmax(a, LABELS) if kind == "softmax" else Sigmoid(a, shown, dtype="float64")

    loss = make(arrays)
    _, residual = evaluated(arrays, loss, z)
    exact = hessians(make(NumpyArrays()), z)
    assert np.allclose(loss.curvature(residual), exact.sum(axis=2), atol=1e-5)
    pairs = loss.pair_weights(arrays.get(residual))
    for (i, j), weight in pairs.items():
        assert np.allclose(weight, exact[i, j], atol=1e-6)
    assert len(pairs) == (10 if kind == "softmax" else 4)
    directions = [rng.normal(size=z.shape) for _ in range(3)]
    put = [arrays.put(d) for d in directions]
    for one in put:
        loss.centre(one)
    first, second = loss.products(residual, put)
    assert np.allclose(first, [(arrays.get(residual) * d).sum() for d in directions])
    for i in range(3):
        for j in range(3):
            wanted = np.einsum("kn,kmn,mn->", directions[i], exact, directions[j])
            assert second[i, j] == pytest.approx(wanted, rel=1e-5)


def test_curvature_survives_certainty_in_float32() -> None:
    z = np.zeros((3, 3), np.float32)
    z[[0, 1, 2], [0, 1, 2]] = 25
    loss = Softmax(NumpyArrays(), np.array([0, 1, 2]))
    _, residual = evaluated(NumpyArrays(), loss, z)
    p = softmax(z.astype(float), axis=0)
    exact = sum(np.diag(q) - np.outer(q, q) for q in p.T)
    assert np.allclose(loss.curvature(residual), exact, rtol=1e-5, atol=0)


@BOTH
def test_sigmoid(arrays, rng) -> None:
    shown = rng.random((500, 3)) < 0.4
    z = rng.normal(size=(3, 500)) * 30
    loss, residual = evaluated(arrays, Sigmoid(arrays, shown, dtype="float64"), z)
    sign = np.where(shown.T, 1, -1)
    assert loss == pytest.approx(np.logaddexp(0, -sign * z).sum(), rel=1e-12)
    assert np.allclose(arrays.get(residual), expit(z) - shown.T, atol=1e-14)


def test_offsets_are_the_best_constant_predictions(rng) -> None:
    p = softmax(Softmax(NumpyArrays(), LABELS).offsets)
    assert np.allclose(p, np.bincount(LABELS) / len(LABELS))
    shown = rng.random((90, 3)) < 0.4
    assert np.allclose(
        expit(Sigmoid(NumpyArrays(), shown, dtype="float64").offsets), shown.mean(axis=0)
    )
