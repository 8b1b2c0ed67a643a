from __future__ import annotations

import json
from math import inf, isnan

import pytest

from freshset.core.errors import UsageError
from freshset.protocols.budget import SCHEMA, Plan, detectable_difference, plan_budget
from freshset.stats.power import items_for_pair, power_of_drop


def fresh(accuracy: float, n_old: int, drop: float) -> float:
    budget = plan_budget(Plan(n_old, 2000, accuracy), drops=(drop,))
    return next(one.fresh for one in budget.needed if one.drop == pytest.approx(100 * drop))


def test_the_numbers_of_the_design() -> None:
    # Power .8, level .95; the design rounds, a plan rounds up.
    numbers = {
        (0.9, 10_000, 0.01): 26_172,
        (0.9, 10_000, 0.02): 2_517,
        (0.76, 50_000, 0.01): 20_621,
        (0.76, 50_000, 0.02): 4_066,
    }
    for asked, known in numbers.items():
        assert fresh(*asked) - known in {0, 1}
    assert fresh(0.95, 10_000, 0.005) == inf


@pytest.mark.parametrize(
    ("difference", "discordance", "n"),
    [(0.01, 0.1, 7_847), (0.01, 0.05, 3_922), (0.005, 0.05, 15_695), (0.005, 0.02, 6_277)],
)
def test_differences_are_those_of_the_design(difference: float, discordance: float, n: int) -> None:
    assert items_for_pair(difference, discordance) - n in {0, 1}
    assert detectable_difference(discordance, n) == pytest.approx(difference, rel=3e-4)


def test_the_drop_that_is_seen_has_the_power_asked_for() -> None:
    budget = plan_budget(Plan(10_000, 2_000, 0.9, power=0.9))
    assert power_of_drop(0.9, budget.drop / 100, 10_000, 2_000) == pytest.approx(0.9, abs=1e-3)
    assert budget.drop == budget.drop_all


def test_more_models_take_more() -> None:
    budget = plan_budget(Plan(10_000, 2_000, 0.93, models=30))
    assert budget.drop_all > budget.drop
    for one in budget.resolved:
        assert isnan(one.any_pair) or one.any_pair > one.one
    one_point = next(one for one in budget.needed if one.drop == 1)
    assert one_point.fresh_all > one_point.fresh
    assert any("any of 435 pairs" in text for text in budget.findings)


def test_small_sets() -> None:
    assert isnan(detectable_difference(0.02, 50))
    budget = plan_budget(Plan(100, 50, 0.5))
    assert any("No number of fresh examples" in text for text in budget.findings)
    data = json.loads(json.dumps(budget.to_dict()))
    assert data["schema"] == SCHEMA
    assert data["needed"][0]["fresh"] is None


@pytest.mark.parametrize(
    "plan",
    [
        Plan(0, 1, 0.5),
        Plan(1, 0, 0.5),
        Plan(1, 1, 1.0),
        Plan(1, 1, 0.5, 0),
        Plan(1, 1, 0.5, 1, 1.0),
    ],
)
def test_what_cannot_be_planned(plan: Plan) -> None:
    with pytest.raises(UsageError):
        plan_budget(plan)
    with pytest.raises(UsageError, match="A drop lies"):
        plan_budget(Plan(9, 9, 0.5), drops=(1.5,))
