from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.leaderboard.setup import BoardRules, Setup, halves
from freshset.protocols.leaderboard.standings import COLUMNS, Ended, make_standings
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.ledger import Entry
from freshset.protocols.sealed.submission import Public
from freshset.stats.intervals import clopper_pearson, newcombe_drop

SETUP = Setup(
    Public("pets", 401, ("0", "1")), BoardRules(PolicySpec("exact"), Limits(10)), halves(401, 0)
)


def sent(seq: int, who: str, accuracy: float | None, model: str = "") -> Entry:
    shown = {"accuracy": accuracy, "improved": True, "remaining": None}
    return Entry(seq, f"2026-01-0{seq}", who, "evaluate", model or f"m{seq}", revealed=shown)


LEDGER = [
    Entry(1, "", "ann", "seal"), sent(2, "bob", 0.80), sent(3, "cal", 0.60), sent(4, "bob", 0.70),
    sent(5, "dan", None), sent(6, "=cmd()", 0.82, "@x"),
]  # fmt: skip


def test_while_it_runs_only_answers_are_shown() -> None:
    found = make_standings(SETUP, LEDGER, "running")
    assert [(r.group, r.entrant, r.submissions) for r in found.rows] == [
        (1, "=cmd()", 1), (1, "bob", 2), (2, "cal", 1), (0, "dan", 1),
    ]  # fmt: skip
    bob = found.rows[1]
    assert (bob.model, bob.last) == ("m2", "2026-01-04")
    assert bob.public is not None
    want = clopper_pearson(160, 200)
    assert (bob.public.value, bob.public.low) == (0.80, pytest.approx(float(want.low)))
    assert all(r.private is None and r.drop is None and r.exact is None for r in found.rows)
    assert (found.n_public, found.n_private, found.submissions, found.left) == (200, 201, 5, 5)
    assert found.to_dict()["findings"] == []
    assert make_standings(SETUP, LEDGER[:1], "running").rows == ()


def test_the_table_is_for_spreadsheets_that_run_nothing() -> None:
    rows = list(csv.reader(io.StringIO(make_standings(SETUP, LEDGER, "running").to_csv())))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1][1:3] == ["'=cmd()", "'@x"]
    assert rows[2][:4] == ["1", "bob", "m2", "2"]
    assert rows[4][0] == ""


def test_after_the_end_private_scores_drops_and_paired_groups() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(201) < 0.75
    worse = base.copy()
    worse[np.flatnonzero(base)[:15]] = False
    correct = {"bob": worse, "cal": base}
    ended = Ended(correct, {"bob": 4, "cal": 3}, {"2": 160, "3": 120, "4": 140})
    found = make_standings(SETUP, LEDGER, "opened", ended)
    assert [(r.group, r.entrant, r.model) for r in found.rows] == [
        (1, "cal", "m3"), (2, "bob", "m4"),
    ]  # fmt: skip
    bob = found.rows[1]
    right = int(worse.sum())
    interval = newcombe_drop(140, 200, right, 201)
    assert bob.exact is not None
    assert bob.exact.value == 0.7
    assert bob.private is not None
    assert bob.drop is not None
    assert bob.private.value == right / 201
    assert bob.drop.value == pytest.approx(100 * (0.7 - right / 201))
    assert bob.drop.low == pytest.approx(100 * float(interval.low))
    assert found.audit is not None
    assert "adaptivity is identified" in found.to_dict()["findings"][0]
    assert len(found.to_csv().splitlines()) == 3


def test_after_the_end_with_one_entrant_or_none_there_is_no_audit() -> None:
    ended = Ended({"bob": np.ones(201, dtype=bool)}, {"bob": 2}, {"2": 160})
    one = make_standings(SETUP, LEDGER, "opened", ended)
    assert (len(one.rows), one.audit) == (1, None)
    none = make_standings(SETUP, LEDGER[:1], "opened", Ended({}, {}, {}))
    assert (none.rows, none.audit) == ((), None)
