from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import UsageError
from freshset.models.torch_products import TorchMaker
from freshset.replication.duplicates.products import NumpyProducts, Products, products_on


@pytest.mark.parametrize("make", [NumpyProducts, TorchMaker("cpu")])
def test_products_above_a_number_are_those_of_the_matrix(make, rng: np.random.Generator) -> None:
    queries = rng.normal(size=(40, 7)).astype(np.float32)
    products: Products = make(queries)
    for size in (5, 90, 1, 30):
        block = rng.normal(size=(size, 7)).astype(np.float32)
        products.put(block, np.linalg.norm(block, axis=1))
        for rows in (slice(0, 40), slice(10, 21), slice(39, 40)):
            least = rng.normal(size=rows.stop - rows.start).astype(np.float32)
            values = queries[rows].astype(float) @ block.T.astype(float)
            at_row, at_column, found = products.above(rows, least)
            expected = np.argwhere(values > least[:, None])
            assert np.array_equal(np.stack([at_row, at_column], 1), expected)
            assert np.allclose(found, values[at_row, at_column], atol=1e-5)
    assert not products.above(slice(0, 40), np.full(40, np.inf, np.float32))[0].size
    assert len(products.above(slice(0, 40), np.full(40, -np.inf, np.float32))[0]) == 40 * 30


def test_without_a_gpu_numpy_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert products_on("cpu") is NumpyProducts
    assert products_on("auto") is NumpyProducts
    with pytest.raises(UsageError, match="no GPU"):
        products_on("cuda")


def test_with_a_gpu_torch_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert products_on("cpu") is NumpyProducts
    assert products_on("auto") == TorchMaker("cuda")


def test_a_matrix_unit_makes_them_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert products_on("auto") == TorchMaker("cpu", half=True, whole=True)
