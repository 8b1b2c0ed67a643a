from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from freshset.transfer.costs import transfer_cost
from freshset.transfer.protocol import BUDGETS, Budget, Protocol
from freshset.transfer.running import TransferPlan, make_transfer_plan
from freshset.transfer.study import NOTHING

pytestmark = pytest.mark.xdist_group("transfer")  # one process makes the finished study


def test_nothing_is_left(done: TransferPlan) -> None:
    cost = transfer_cost(done)
    assert (cost.features, cost.training, cost.seconds) == (0, 0, 0.0)
    assert cost.states["features"] == {"done": 12}
    assert all(set(counts) <= {"done", "missing"} for counts in cost.states.values())


def test_all_is_left_and_nothing_is_known(done: TransferPlan, tmp_path: Path) -> None:
    plan = make_transfer_plan(done.study, store=tmp_path / "new")
    cost = transfer_cost(plan)
    assert cost.features == 2 * 2 * (24 + 30)  # the answers that LEEP wants come with the features
    trained = [item for item in plan.listed.items if item.images]
    assert cost.training == sum(item.images for item in trained)
    assert cost.seconds is None
    assert cost.states["final"]["waiting"] == cost.states["trial"]["missing"] / 2
    assert not (tmp_path / "new").exists()  # nothing was written
    only = transfer_cost(plan, "finetune")
    assert set(only.states) == {"trial", "final"}
    assert 0 < only.training < cost.training


def test_time_is_that_of_the_same_model_else_of_others(done: TransferPlan) -> None:
    longer = replace(done.study.protocol.finetune, steps=60)
    study = replace(
        done.study,
        protocol=replace(done.study.protocol, finetune=longer),
        regimes=("finetune", "scratch"),
        convergence=NOTHING,
        subsets=NOTHING,
    )
    plan = make_transfer_plan(study)
    cost = transfer_cost(plan)
    assert cost.training == 4 * 3 * 60 * 8
    assert cost.seconds is not None
    speeds = []
    for item in plan.listed.items:
        work = plan.works.get(item.spec)
        if work is not None:
            speeds.append(work.document["trained"]["images"] / work.document["trained"]["seconds"])
    assert cost.training / max(speeds) <= cost.seconds <= cost.training / min(speeds)
    assert cost.states["trial"] == {"missing": 8, "done": 8}


@pytest.mark.parametrize("budget", BUDGETS)
def test_budgets(done: TransferPlan, budget: Budget) -> None:
    protocol = Protocol.of(budget)
    runs = [
        (len(t.grid) + (len(t.grid) > 1)) * t.steps_for(24) * t.batch
        for t in (protocol.finetune, protocol.scratch)
    ]
    assert transfer_cost(done).budgets[budget] == 4 * sum(runs) + 4 * (24 + 30)
