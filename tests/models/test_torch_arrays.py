from __future__ import annotations

import pytest
import torch
from threadpoolctl import threadpool_info

from freshset.core.errors import UsageError
from freshset.models.torch_arrays import TorchArrays, torch_arrays


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [torch_arrays(b).name for b in ("auto", "cuda", "torch")] == [
        "torch cuda",
        "torch cuda",
        "torch cpu",
    ]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_arrays("auto").name == "torch cpu"
    with pytest.raises(UsageError, match="torch finds no GPU"):
        torch_arrays("cuda")


@pytest.mark.parametrize("before", ["medium", "highest"])
def test_products_are_exact_inside_and_as_before_outside(before) -> None:
    kept = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(before)
    try:
        with TorchArrays("cpu").exact():
            assert torch.get_float32_matmul_precision() == "highest"
            assert torch.is_inference_mode_enabled()
        assert torch.get_float32_matmul_precision() == before
    finally:
        torch.set_float32_matmul_precision(kept)


def test_one_thread_does_everything_where_that_is_asked_for() -> None:
    before, pools = torch.get_num_threads(), threads_of_pools()
    try:
        torch.set_num_threads(2)
        with TorchArrays("cpu").exact(alone=True):
            assert torch.get_num_threads() == 1
            assert set(threads_of_pools()) == {1}
        assert torch.get_num_threads() == 2
        with TorchArrays("cpu").exact():
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert threads_of_pools() == pools


def threads_of_pools() -> list[object]:
    return [pool["num_threads"] for pool in threadpool_info()]


# Most machines, CI's too, have none; the same code runs on tensors of the CPU in the other tests.
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_path_is_the_same_on_a_gpu() -> None:
    from fakes.probe_problems import clusters

    from freshset.transfer.probe.path import ProbeOptions, logreg_path

    train = clusters(0, 4000, 40, 5)
    found = logreg_path(train, None, ProbeOptions(backend="cuda", tolerance=1e-8))
    exact = logreg_path(train, None, ProbeOptions(backend="numpy", tolerance=1e-10))
    for one, other in zip(found.points, exact.points, strict=True):
        assert one.objective == pytest.approx(other.objective, rel=1e-6)
