from __future__ import annotations

import numpy as np
import pytest
import torch

from freshset.core.errors import UsageError
from freshset.models import torch_products
from freshset.models.torch_products import TorchMaker, TorchProducts, WholeProducts, fastest


def test_products_above_a_number(rng: np.random.Generator) -> None:
    queries, block = (rng.normal(size=(n, 5)).astype(np.float32) for n in (6, 9))
    products = TorchProducts(queries, TorchMaker("cpu"))
    products.put(block, np.linalg.norm(block, axis=1))
    at_row, at_column, found = products.above(slice(2, 6), np.zeros(4, np.float32))
    values = queries[2:6] @ block.T
    assert np.array_equal(np.stack([at_row, at_column], 1), np.argwhere(values > 0))
    assert np.allclose(found, values[values > 0], atol=1e-6)


@pytest.mark.parametrize("allowed", [True, False])
def test_tf32_is_off_while_it_multiplies_and_put_back(allowed: bool) -> None:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        products = TorchProducts(np.ones((2, 3), np.float32), TorchMaker("cpu"))
        products.put(np.ones((2, 3), np.float32), np.full(2, 3**0.5))
        products.above(slice(0, 2), np.zeros(2, np.float32))
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def test_bfloat16_keeps_what_is_equal_to_the_limit() -> None:
    products = TorchMaker("cpu", half=True)(np.array([[1.0, 2.0]], np.float32))
    block = np.array([[1.0, 2.0], [1.0, 1.0], [0.0, 0.0]], np.float32)
    products.put(block, np.linalg.norm(block, axis=1))
    limit = np.nextafter(np.array([3.0], np.float32), np.float32(-np.inf))
    at_row, at_column, found = products.above(slice(0, 1), limit)
    assert (list(at_row), list(at_column), list(found)) == ([0, 0], [0, 1], [5.0, 3.0])
    assert found.dtype == np.float32


@pytest.mark.parametrize("d", [1, 7, 64, 3072])
def test_whole_products_are_not_rounded(d: int, rng: np.random.Generator) -> None:
    queries = rng.integers(-128, 128, (6, d), dtype=np.int8)
    queries[1] = -128
    products = TorchMaker("cpu", whole=True)(queries)
    assert isinstance(products, WholeProducts)
    for size in (9, 1, 70):
        block = rng.integers(-128, 128, (size, d), dtype=np.int8)
        block[0] = -128
        squares = np.square(block.astype(np.int64)).sum(axis=1)
        products.put(block, np.sqrt(squares.astype(float)))
        values = queries.astype(np.int64)[1:6] @ block.T.astype(np.int64)
        compared = values - squares // 2
        for least in (compared.max(axis=1) - 1, np.median(compared, axis=1), np.full(5, -np.inf)):
            at_row, at_column, found = products.above(slice(1, 6), least.astype(np.float32))
            exact = np.floor(least.astype(np.float32))[:, None]
            assert np.array_equal(np.stack([at_row, at_column], 1), np.argwhere(compared > exact))
            assert np.array_equal(found, values[at_row, at_column])


def test_the_fastest_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert fastest(gpu=False) is None
    with pytest.raises(UsageError, match="--device cpu"):
        fastest(gpu=True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert fastest(gpu=False) == TorchMaker("cpu", half=True, whole=True)
    monkeypatch.setattr(torch_products, "_multiply", None)
    assert fastest(gpu=False) == TorchMaker("cpu", half=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert fastest(gpu=True) == fastest(gpu=False) == TorchMaker("cuda")
