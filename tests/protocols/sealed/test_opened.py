from __future__ import annotations

import json

import pytest

from freshset.core.errors import UsageError
from freshset.protocols.sealed.ledger import Entry
from freshset.protocols.sealed.opened import opened_scores
from freshset.stats.intervals import clopper_pearson

SEAL = Entry(1, "t", "ann", "seal")
LOOKS = (
    Entry(2, "t", "bob", "evaluate", "m1", revealed={"accuracy": 0.8}),
    Entry(3, "t", "cal", "evaluate", "m2", revealed={"accuracy": None}),
)
OPEN = Entry(4, "t", "ann", "open", revealed={"n": 40, "right": {"2": 32, "3": 20}})


def test_every_evaluation_has_its_score() -> None:
    one, other = opened_scores((SEAL, *LOOKS, OPEN))
    assert (one.model, one.who, one.shown, one.score.value) == ("m1", "bob", 0.8, 0.8)
    assert (other.shown, other.score.value) == (None, 0.5)
    assert one.score.low == float(clopper_pearson(32, 40).low)
    assert json.loads(json.dumps(one.to_dict()))["score"]["high"] == one.score.high


def test_a_sealed_one_says_nothing() -> None:
    for entries in ((), (SEAL, *LOOKS)):
        with pytest.raises(UsageError, match="is sealed"):
            opened_scores(entries)
