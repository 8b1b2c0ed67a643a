from __future__ import annotations

from freshset.protocols.leaderboard.entrants import (
    choices,
    evaluations,
    final_submissions,
    phase_of,
    shown_best,
)
from freshset.protocols.sealed.ledger import Entry


def sent(seq: int, who: str, accuracy: float | None) -> Entry:
    return Entry(seq, "", who, "evaluate", f"m{seq}", revealed={"accuracy": accuracy})


def chose(seq: int, who: str, entry: int) -> Entry:
    return Entry(seq, "", who, "choose", revealed={"entry": entry})


LEDGER = [
    Entry(1, "", "ann", "seal"), sent(2, "bob", 0.5), sent(3, "cal", 0.6), sent(4, "bob", 0.7),
    sent(5, "bob", 0.7), chose(6, "cal", 3), sent(7, "cal", 0.9), sent(8, "dan", None),
    sent(9, "dan", None),
]  # fmt: skip


def test_the_best_shown_counts_unless_another_was_chosen() -> None:
    final = final_submissions(LEDGER)
    assert {who: one.seq for who, one in final.items()} == {"bob": 4, "cal": 3, "dan": 9}
    again = final_submissions([*LEDGER, chose(10, "cal", 7)])
    assert again["cal"].seq == 7


def test_submissions_and_choices_of_one_and_of_all() -> None:
    assert [one.seq for one in evaluations(LEDGER, "bob")] == [2, 4, 5]
    assert len(evaluations(LEDGER)) == 7
    assert choices(LEDGER, "cal") == [3]
    assert choices(LEDGER, "bob") == []


def test_what_was_never_answered_is_worse_than_any_answer() -> None:
    assert shown_best([sent(1, "a", None), sent(2, "a", 0.1), sent(3, "a", None)]).seq == 2


def test_phases() -> None:
    assert phase_of(LEDGER, ended=False) == "running"
    assert phase_of(LEDGER, ended=True) == "ended"
    closed = [*LEDGER, Entry(10, "", "ann", "close")]
    assert phase_of(closed, ended=False) == "ended"
    assert phase_of([*closed, Entry(11, "", "ann", "open")], ended=False) == "opened"
