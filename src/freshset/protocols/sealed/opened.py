"""What an opened holdout says of every model that was evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from freshset.core.errors import UsageError
from freshset.protocols.sealed.ledger import Entry
from freshset.stats.intervals import clopper_pearson
from freshset.stats.types import Estimate


@dataclass(frozen=True, slots=True)
class OpenedScore:
    """One evaluation: what was shown then, and the accuracy with its exact interval (fractions)."""

    seq: int
    who: str
    model: str
    shown: float | None
    score: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "seq": self.seq, "who": self.who, "model": self.model, "shown": self.shown,
            "score": self.score.to_dict(),
        }  # fmt: skip


def opened_scores(entries: Sequence[Entry], *, level: float = 0.95) -> tuple[OpenedScore, ...]:
    """Read the scores that the last entry revealed.

    Raises
    ------
    UsageError
        When the holdout was not opened.
    """
    if not entries or entries[-1].action != "open":
        raise UsageError("The holdout is sealed.", "Open it first; it answers no more then.")
    last = entries[-1].revealed
    out = []
    for entry in entries:
        if entry.action != "evaluate":
            continue
        right = int(last["right"][str(entry.seq)])
        ci = clopper_pearson(right, last["n"], level=level)
        score = Estimate(right / last["n"], float(ci.low), float(ci.high))
        out.append(
            OpenedScore(entry.seq, entry.who, entry.model, entry.revealed["accuracy"], score)
        )
    return tuple(out)
