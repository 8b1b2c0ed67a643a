"""Settings of torch while a network is trained: the same numbers every time, and nothing left changed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from freshset.models.base import Runtime
from freshset.models.torch_runtime import torch_settings

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def training_settings(device: torch.device, runtime: Runtime) -> Iterator[None]:
    """Deterministic algorithms, generators to play with, gradients on; all put back in the end.

    What has no deterministic algorithm on a GPU runs all the same.
    """
    with ExitStack() as stack:
        stack.enter_context(torch_settings(runtime.precision, runtime.threads))
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(_generators(device))
        stack.enter_context(_deterministic(device))
        yield


def seed_generators(device: torch.device, seed: int) -> None:
    """Seed the generators that a network on a device draws from, and no others."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


@contextmanager
def _generators(device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    cudnn = torch.backends.cudnn
    held = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        cudnn.benchmark,
        cudnn.deterministic,
        os.environ.get(_WORKSPACE),
    )
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    # Filling new memory finds reads of what was never written; it costs time and changes no result.
    torch.utils.deterministic.fill_uninitialized_memory = False
    cudnn.benchmark, cudnn.deterministic = False, True
    if device.type == "cuda":
        # Without it cuBLAS may choose another order of sums each time.
        os.environ.setdefault(_WORKSPACE, ":4096:8")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have a deterministic impl.*")
            yield
    finally:
        torch.use_deterministic_algorithms(mode=held[0], warn_only=held[1])
        torch.utils.deterministic.fill_uninitialized_memory = held[2]
        cudnn.benchmark, cudnn.deterministic = held[3], held[4]
        if held[5] is None:
            os.environ.pop(_WORKSPACE, None)
