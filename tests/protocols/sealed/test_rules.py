from __future__ import annotations

import pytest

from freshset.core.errors import UsageError
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.rules import Rules

THRESHOLDOUT = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=5)


def test_they_are_written_and_read() -> None:
    for rules in (Rules(PolicySpec(), 5, 2, apart=True), Rules(THRESHOLDOUT, 7)):
        assert Rules.from_dict(rules.to_dict()) == rules


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Rules(PolicySpec(), 0), "at least 1"),
        (Rules(PolicySpec(), 1, -1), "at least 1"),
        (Rules(PolicySpec("rounded"), 1), "needs a step"),
        (Rules(THRESHOLDOUT, 1, apart=True), "one budget for everybody"),
    ],
)
def test_what_cannot_be_meant(rules: Rules, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rules.check()


@pytest.mark.parametrize(
    ("who", "model", "claimed", "said"),
    [
        ("", "m", 0.5, "needs who"),
        ("ann", "a\nb", 0.5, "needs model"),
        ("ann", "m", None, "Thresholdout compares"),
        ("ann", "m", 1.5, "between 0 and 1"),
    ],
)
def test_what_an_evaluation_must_say(
    who: str, model: str, claimed: float | None, said: str
) -> None:
    Rules(THRESHOLDOUT, 1).check_said("ann", "m", 0.5)
    with pytest.raises(UsageError, match=said):
        Rules(THRESHOLDOUT, 1).check_said(who, model, claimed)
