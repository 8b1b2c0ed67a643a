from __future__ import annotations

import pytest

from freshset.replication.labelling.costs import RULE, task_cost


@pytest.mark.parametrize(
    ("tasks", "answers", "reward", "cost"),
    [
        (1, 1, 1.0, 1.2),
        (100, 9, 0.10, 108),
        (100, 10, 0.10, 140),  # ten answers and more: 40 %
        (10, 5, 0.01, 1.0),  # the fee is a cent at least
        (0, 10, 0.10, 0),
    ],
)
def test_cost_with_fees(tasks: int, answers: int, reward: float, cost: float) -> None:
    assert task_cost(tasks, answers, reward) == pytest.approx(cost)


def test_the_rule_is_told() -> None:
    assert "40 %" in RULE
