"""What a ledger says of entrants: what they submitted, chose, and what counts in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from freshset.protocols.sealed.ledger import Entry

Phase = Literal["running", "ended", "opened"]


def phase_of(entries: Sequence[Entry], *, ended: bool) -> Phase:
    """How far a board is; ``ended`` says whether its time is over."""
    if entries[-1].action == "open":
        return "opened"
    return "ended" if ended or any(one.action == "close" for one in entries) else "running"


def evaluations(entries: Sequence[Entry], who: str = "") -> list[Entry]:
    """Submissions in order, of one entrant or of all."""
    return [one for one in entries if one.action == "evaluate" and who in {"", one.who}]


def choices(entries: Sequence[Entry], who: str) -> list[int]:
    """Places of the submissions that an entrant chose, in the order of choosing."""
    return [
        int(one.revealed["entry"]) for one in entries if one.action == "choose" and one.who == who
    ]


def shown_best(mine: Sequence[Entry]) -> Entry:
    """The submission with the best accuracy that was shown, of equal ones the first.

    Where a Ladder answers, this is the one that moved it last.  Without any answer it is the last.
    """
    told = [one for one in mine if one.revealed["accuracy"] is not None]
    return max(told, key=lambda one: float(one.revealed["accuracy"])) if told else mine[-1]


def final_submissions(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The submission of each entrant that counts: the one last chosen, else the best shown."""
    mine: dict[str, list[Entry]] = {}
    for one in evaluations(entries):
        mine.setdefault(one.who, []).append(one)
    place = {one.seq: one for one in entries}
    out = {}
    for who, some in mine.items():
        made = choices(entries, who)
        out[who] = place[made[-1]] if made else shown_best(some)
    return out
