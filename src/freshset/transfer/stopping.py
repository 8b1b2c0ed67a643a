"""Giving up trials that do worse than others did at the same step; the rules are those of a library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from freshset.core.registry import Entry, Registry

Curve = Mapping[int, float]
"""Scores on the validation part by step."""

Stop = Callable[[int, float], bool]
"""From step and score to whether a trial is to be given up."""

Rule = Callable[[Sequence[Curve]], Stop]
"""From the curves of the trials before to what decides on the next one."""

_WHERE = "freshset.transfer.optuna_rules"
RULES = Registry(
    "rule for stopping",
    {
        "median": Entry(f"{_WHERE}:median", "tune", ("optuna",), "worse than the median of others"),
        "halving": Entry(f"{_WHERE}:halving", "tune", ("optuna",), "successive halving"),
    },
    group="freshset.stopping",
)


def rule(name: str) -> Rule:
    """Return a rule.

    Raises
    ------
    MissingExtraError
        When its package is not installed.
    """
    found: Rule = RULES.load(name)
    return found
