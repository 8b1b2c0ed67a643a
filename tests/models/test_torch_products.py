from __future__ import annotations

import numpy as np
import pytest
import torch

from freshset.core.errors import UsageError
from freshset.models.torch_products import TorchProducts, on_gpu


def test_products_above_a_number(rng: np.random.Generator) -> None:
    queries, block = (rng.normal(size=(n, 5)).astype(np.float32) for n in (6, 9))
    products = TorchProducts(queries, "cpu")
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
        products = TorchProducts(np.ones((2, 3), np.float32), "cpu")
        products.put(np.ones((2, 3), np.float32))
        products.above(slice(0, 2), np.zeros(2, np.float32))
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def test_whether_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert on_gpu(required=False) is None
    with pytest.raises(UsageError, match="--device cpu"):
        on_gpu(required=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert on_gpu(required=True) is not None
