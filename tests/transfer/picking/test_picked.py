"""The answer in a sentence."""

from __future__ import annotations

import pytest

from freshset.transfer.picking.picked import Candidate, Picked

TIED = "These images cannot tell the first 2 models apart."


def answer(*rows: tuple[str, int, float]) -> Picked:
    made = tuple(Candidate(m, 0.9, 0.8, 1.0, g, ms, {}, 1.0, {}) for m, g, ms in rows)
    return Picked("x", 1, 1, 2, made, (), 0.0, (), 0.95)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "No model was tried to the end."),
        ((("a", 1, 5.0),), "a is the only model that was tried."),
        (
            (("a", 1, 5.0), ("b", 2, 1.0)),
            "Take a: it is better than all others on these images.",
        ),
        (
            (("a", 1, 5.0), ("b", 1, 1.0), ("c", 2, 0.1)),
            f"{TIED} b is the cheapest of them.",
        ),
        (
            (("a", 1, 1.0), ("b", 1, 5.0)),
            f"{TIED} a is both the first and the cheapest of them.",
        ),
    ],
)
def test_advice(rows: tuple[tuple[str, int, float], ...], said: str) -> None:
    found = answer(*rows)
    assert found.advice == said
    assert found.to_dict()["advice"] == said
