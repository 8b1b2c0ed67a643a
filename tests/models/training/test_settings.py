from __future__ import annotations

import os
import warnings

import pytest
import torch
from models.training.small import CPU

from freshset.models.training.settings import seed_generators, training_settings

DEVICE = torch.device("cpu")


def settings_of_torch():
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.allow_tf32,
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_rng_state().tolist(),
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        list(warnings.filters),
    )


@pytest.mark.parametrize("outside", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_settings_are_right_inside_and_put_back(outside):
    with outside():
        before = settings_of_torch()
        with training_settings(DEVICE, CPU):
            inside = settings_of_torch()
            seed_generators(DEVICE, 5)
            torch.rand(3)
            assert torch.ones(1, requires_grad=True).mul(2).requires_grad
        assert settings_of_torch() == before
        with pytest.raises(ZeroDivisionError), training_settings(DEVICE, CPU):
            raise ZeroDivisionError
        assert settings_of_torch() == before
    assert inside[:9] == (True, True, False, False, True, False, 1, True, False)


def test_draws_are_those_of_the_seed():
    with training_settings(DEVICE, CPU):
        seed_generators(DEVICE, 5)
        drawn = torch.rand(3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        assert torch.equal(drawn, torch.rand(3))
