from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from freshset.core.errors import DataError
from freshset.replication.duplicates.rounding import (
    SPARE,
    Bfloat16,
    Float32,
    Rounding,
    Whole,
    _nearest,
    _up,
)

floats = st.floats(-(2.0**20), 2.0**20, width=32, allow_subnormal=False)


@given(arrays(np.float32, 20, elements=floats))
def test_bfloat16_is_rounded_as_torch_rounds_it(values: np.ndarray) -> None:
    expected = torch.from_numpy(values.copy()).to(torch.bfloat16).float().numpy()
    assert np.array_equal(_nearest(values), expected)
    up = _up(np.abs(values).astype(np.float64))
    assert (up >= np.abs(values)).all()
    assert np.array_equal(_nearest(up), up)


def columns(
    rounding: Rounding, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Augmented queries and references, and norms and losses of both."""
    out = []
    known = []
    for rows in (x, y):
        wide = np.zeros((len(rows), rows.shape[1] + SPARE), np.float32)
        wide[:, :-SPARE] = rows
        norms = np.sqrt(np.square(wide.astype(np.float64)).sum(axis=1))
        known.append((norms, rounding.cut(wide[:, :-SPARE])))
        out.append(wide)
    rounding.fill(out[0], None, *known[0])
    rounding.fill(None, out[1], *known[1])
    return out[0], out[1], known


@pytest.mark.parametrize("kind", [Float32, Bfloat16])
@pytest.mark.parametrize("d", [1, 7, 300, 5000])
def test_products_with_the_columns_bound_distances(kind, d: int, rng: np.random.Generator) -> None:
    x = rng.normal(0, 3, (20, d)).astype(np.float32)
    y = np.concatenate([rng.normal(0, 3, (40, d)), x + rng.normal(0, 1e-3, x.shape)]).astype(
        np.float32
    )
    rounding = kind(d)
    queries, references, ((a, p), (b, q)) = columns(rounding, x, y)
    products = (torch.from_numpy(queries) @ torch.from_numpy(references).T).numpy()
    if kind is Bfloat16:
        assert np.array_equal(_nearest(queries), queries)  # all of it is bfloat16 already
        assert np.array_equal(_nearest(references), references)
        products = _nearest(products)
    exact = np.square(x[:, None].astype(float) - y[None].astype(float)).sum(axis=2)
    i, j = np.indices(exact.shape).reshape(2, -1)
    lower, upper = rounding.bounds((a[i], p[i]), (b[j], q[j]), products[i, j])
    assert (lower <= exact[i, j]).all()
    assert (upper >= exact[i, j]).all()
    # What is no farther than the worst allowed has a product above the least.
    for quantile in (0.05, 0.5):
        worst = np.quantile(exact, quantile, axis=1)
        least = rounding.least(a, worst)
        near = exact < worst[:, None]
        assert (products[near] > np.broadcast_to(least[:, None], exact.shape)[near]).all()


def test_pixels_lose_nothing_in_bfloat16(rng: np.random.Generator) -> None:
    pixels = rng.integers(-128, 128, (5, 90)).astype(np.float32)
    assert not Bfloat16(90).cut(pixels).any()
    others = rng.normal(size=(5, 90)).astype(np.float32)
    before = others.copy()
    lost = Bfloat16(90).cut(others)
    assert (lost >= np.sqrt(np.square((before - others).astype(np.float64)).sum(axis=1))).all()
    assert (lost > 0).all()


@pytest.mark.parametrize("d", [1, 300, 3072])
def test_whole_products_are_distances(d: int, rng: np.random.Generator) -> None:
    x, y = (rng.integers(-128, 128, (n, d)) for n in (20, 40))
    y[:3] = 127
    x[:3] = -128
    a, b = (np.sqrt(np.square(rows).sum(axis=1).astype(float)) for rows in (x, y))
    exact = np.square(x[:, None] - y[None]).sum(axis=2)
    i, j = np.indices(exact.shape).reshape(2, -1)
    none = np.zeros(len(i))
    products = (x @ y.T).astype(float)
    lower, upper = Whole().bounds((a[i], none), (b[j], none), products[i, j])
    assert np.array_equal(lower, exact[i, j])
    assert np.array_equal(upper, lower)
    compared = products - np.floor(np.rint(b * b) / 2)
    for quantile in (0, 0.05, 0.5):
        worst = np.quantile(exact, quantile, axis=1)
        near = exact < worst[:, None]
        least = np.broadcast_to(Whole().least(a, worst)[:, None], exact.shape)
        assert (compared[near] > least[near]).all()
    assert Whole.DIMENSIONS * (128 * 128 + 128 * 128 / 2) < 2**31


@pytest.mark.parametrize("kind", [Float32, Bfloat16])
def test_too_many_dimensions(kind) -> None:
    with pytest.raises(DataError, match="10,000,000 dimensions are too many"):
        kind(10_000_000)
