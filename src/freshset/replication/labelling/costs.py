"""What Mechanical Turk charges for labelling tasks."""

from __future__ import annotations

FEE = 0.20
"""Share of the reward that MTurk charges on top."""

FEE_MANY = 0.40
"""The same for tasks with ten assignments or more."""

MANY = 10
LEAST_FEE = 0.01
"""Least fee for an assignment, in dollars."""

RULE = (
    "MTurk charges 20 % of the reward, 40 % for tasks with 10 or more assignments, and at least "
    "$0.01 an assignment (requester.mturk.com/pricing)."
)


def task_cost(tasks: float, answers: int, reward: float) -> float:
    """Cost of tasks in dollars, fees included.

    Parameters
    ----------
    tasks
        Number of tasks.
    answers
        Workers asked about each.
    reward
        Dollars for one worker and task.
    """
    fee = max(LEAST_FEE, (FEE_MANY if answers >= MANY else FEE) * reward)
    return tasks * answers * (reward + fee)
