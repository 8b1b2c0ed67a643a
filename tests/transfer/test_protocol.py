"""Budgets are those that were published, and every choice can be changed and is written down."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from freshset.core.errors import UsageError
from freshset.transfer.protocol import BUDGETS, Budget, Protocol


def test_paper() -> None:
    paper = Protocol.of("paper")
    assert len(paper.finetune.grid) == 56  # 7 rates x (7 decays and none), SimCLR B.8
    assert (paper.finetune.steps, paper.finetune.batch) == (20_000, 256)
    assert min(paper.finetune.rates) == pytest.approx(1e-4)
    assert max(paper.finetune.rates) == pytest.approx(1e-1)
    assert len(paper.probe.penalties) == 45
    np.testing.assert_allclose(np.diff(np.log10(paper.probe.penalties)), 0.25)
    assert (min(paper.scratch.rates), max(paper.scratch.rates)) == pytest.approx((1e-3, 1.0))
    assert len(paper.scratch.grid) == 56


def test_decays_are_divided_by_the_rate() -> None:
    assert (0.1, 0.01) in {
        (round(r, 9), round(d, 9)) for r, d in Protocol.of("paper").finetune.grid
    }


def test_lite_and_hyperrule() -> None:
    lite, rule = Protocol.of("lite").finetune, Protocol.of("hyperrule").finetune
    assert (len(lite.grid), lite.steps, lite.batch) == (20, 5_000, 64)
    assert rule.grid == ((0.003, 0.0),)
    assert [rule.steps_for(n) for n in (19_999, 20_000, 499_999, 500_000)] == [
        500, 10_000, 10_000, 20_000,
    ]  # fmt: skip
    assert lite.steps_for(10**6) == 5_000


@pytest.mark.parametrize("budget", BUDGETS)
def test_is_plain_values(budget: Budget) -> None:
    made = Protocol.of(budget)
    assert json.loads(json.dumps(made.to_dict()))["budget"] == budget


def test_changes() -> None:
    made = Protocol.of(
        "lite",
        {
            "finetune": {"steps": 60, "rates": [1, 0.1], "augmentation": {"flip": 0}},
            "probe": {"penalties": [1]},
        },
    )
    assert (made.finetune.steps, made.finetune.rates) == (60, (1.0, 0.1))
    assert made.finetune.augmentation.flip == 0
    assert made.finetune.batch == 64
    assert made.scratch.steps == 5_000
    assert made.probe.penalties == (1.0,)


@pytest.mark.parametrize(
    ("budget", "changes", "said"),
    [
        ("cheap", {}, "No budget 'cheap'"),
        ("lite", {"finetuning": {}}, "no part 'finetuning'.*finetune"),
        ("lite", {"budget": {}}, "no part 'budget'"),
        ("lite", {"finetune": {"step": 3}}, "no 'step'.*steps"),
        (
            "lite",
            {"finetune": {"augmentation": {"flop": 0}}},
            "finetune.augmentation has no 'flop'",
        ),
    ],
)
def test_refuses_names_that_there_are_not(
    budget: Any, changes: dict[str, dict[str, Any]], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Protocol.of(budget, changes)
