from __future__ import annotations

import numpy as np
import pytest
import torch

from freshset.core.errors import UsageError
from freshset.models.torch_products import TorchMaker, TorchProducts, fastest


def test_products_above_a_number(rng: np.random.Generator) -> None:
    queries, block = (rng.normal(size=(n, 5)).astype(np.float32) for n in (6, 9))
    products = TorchProducts(queries, TorchMaker("cpu"))
    products.put(block)
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
        products.put(np.ones((2, 3), np.float32))
        products.above(slice(0, 2), np.zeros(2, np.float32))
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def test_bfloat16_keeps_what_is_equal_to_the_limit() -> None:
    products = TorchMaker("cpu", half=True)(np.array([[1.0, 2.0]], np.float32))
    products.put(np.array([[1.0, 2.0], [1.0, 1.0], [0.0, 0.0]], np.float32))
    limit = np.nextafter(np.array([3.0], np.float32), np.float32(-np.inf))
    at_row, at_column, found = products.above(slice(0, 1), limit)
    assert (list(at_row), list(at_column), list(found)) == ([0, 0], [0, 1], [5.0, 3.0])
    assert found.dtype == np.float32


def test_the_fastest_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert fastest(gpu=False) is None
    with pytest.raises(UsageError, match="--device cpu"):
        fastest(gpu=True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert fastest(gpu=False) == TorchMaker("cpu", half=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert fastest(gpu=True) == fastest(gpu=False) == TorchMaker("cuda")
