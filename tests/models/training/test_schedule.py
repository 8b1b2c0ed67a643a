from __future__ import annotations

import pytest
import torch
from models.training.small import recipe
from torch.optim import lr_scheduler

from freshset.models.training.schedule import rate_at


def rates_of_torch(schedule, steps):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.1)
    made = schedule(optimiser)
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        made.step()
    return rates


def rates(**changes):
    made = recipe(rate=0.1, **changes)
    return [rate_at(made, step) for step in range(made.steps)]


def test_the_cosine_is_that_of_torch_and_falls_to_nothing_after_the_last_step():
    wanted = rates_of_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, 50), 50)
    assert rates(steps=50) == pytest.approx(wanted, rel=1e-9)


def test_the_staircase_is_that_of_torch():
    wanted = rates_of_torch(lambda o: lr_scheduler.MultiStepLR(o, [30, 60, 90]), 100)
    assert rates(steps=100, schedule="staircase") == pytest.approx(wanted)
    assert rates(steps=100, schedule="constant") == [0.1] * 100


def test_the_warm_up_is_that_of_torch():
    def both(optimiser):
        rise = lr_scheduler.LinearLR(optimiser, 0.1, total_iters=9)
        fall = lr_scheduler.CosineAnnealingLR(optimiser, 40)
        return lr_scheduler.SequentialLR(optimiser, [rise, fall], [10])

    found = rates(steps=50, warmup=10)
    assert found == pytest.approx(rates_of_torch(both, 50))
    assert found[9] == found[10] == 0.1


def test_a_run_can_be_all_warm_up():
    assert rates(steps=4, warmup=8) == pytest.approx([0.0125, 0.025, 0.0375, 0.05])
