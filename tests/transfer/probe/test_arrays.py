from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from freshset.core.errors import UsageError
from freshset.models.torch_arrays import TorchArrays
from freshset.transfer.probe.arrays import NumpyArrays, arrays_on, row_length


@pytest.mark.parametrize("arrays", [NumpyArrays(), TorchArrays("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_arrays_are_aligned_and_come_back(arrays, kind) -> None:
    made = arrays.zeros((3, 256), kind)
    assert tuple(made.shape) == (3, 256)
    stride = made.stride(0) if isinstance(made, torch.Tensor) else made.strides[0] // made.itemsize
    address = made.data_ptr() if isinstance(made, torch.Tensor) else made.ctypes.data
    assert stride == 272
    assert address % 64 == 0
    assert arrays.get(made).dtype == kind
    assert not arrays.get(made).any()
    assert arrays.zeros((5,), kind).shape == (5,)
    values = np.arange(6, dtype=kind).reshape(2, 3)
    put = arrays.put(values)
    put[0, 0] = 7
    assert values[0, 0] == 0
    assert arrays.get(put)[1, 2] == 5


def test_rows_start_where_the_processor_likes_it() -> None:
    assert [row_length(n) for n in (1, 16, 17, 256, 2048, 500)] == [16, 16, 32, 272, 2064, 528]


def test_names_of_back_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert arrays_on("numpy").name == "numpy"
    assert arrays_on("torch").name == arrays_on("auto").name == "torch cpu"
    with pytest.raises(UsageError, match="no GPU"):
        arrays_on("cuda")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "freshset.transfer.probe.arrays.find_spec", lambda n: None if n == "torch" else found(n)
    )
    assert arrays_on("auto").name == "numpy"
    assert isinstance(arrays_on("auto"), NumpyArrays)
