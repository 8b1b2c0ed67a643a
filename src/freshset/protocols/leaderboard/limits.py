"""How often and how long people may submit to a leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, isfinite
from typing import Any

from freshset.core.errors import ConflictError, UsageError
from freshset.protocols.sealed.ledger import Entry


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a leaderboard; 0 and empty mean none.

    Attributes
    ----------
    looks
        Submissions of everybody in all, at least 1.
    each
        Submissions of one entrant in all.
    per_day
        Submissions of one entrant on one day (UTC).
    seconds
        Between two submissions of one entrant, at least.
    ends
        When submissions end, UTC in ISO form.
    """

    looks: int
    each: int = 0
    per_day: int = 0
    seconds: float = 0.0
    ends: str = ""

    def check(self) -> None:
        """Raise `UsageError` unless they can be meant."""
        if self.looks < 1 or min(self.each, self.per_day) < 0:
            raise UsageError("Limits count submissions.", "Such as --looks 500 --per-day 5.")
        if not isfinite(self.seconds) or self.seconds < 0:
            raise UsageError("Seconds between submissions are not negative.", "Such as 60.")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Limits:
        """Read what `to_dict` wrote."""
        return cls(**data)

    def have_ended(self, at: datetime) -> bool:
        """Whether the end was before a time."""
        return bool(self.ends) and at >= datetime.fromisoformat(self.ends)

    def check_entrant(self, mine: Sequence[Entry], at: datetime) -> None:
        """Check whether an entrant may submit now.

        Parameters
        ----------
        mine
            Evaluations of the entrant so far, in their order.
        at
            Now, UTC.  A clock that went back lets nobody submit more on a day; what it does to the
            seconds between cannot be known, so the pause counts as kept, and the ledger notes it.

        Raises
        ------
        ConflictError
            When it is too often or too soon.  It says when, and nothing of any score.
        """
        if self.each and len(mine) >= self.each:
            raise ConflictError(
                f"All of your {self.each:,} submissions are used.", "No look was used."
            )
        today = at.date().isoformat()
        if self.per_day and sum(one.at[:10] == today for one in mine) >= self.per_day:
            raise ConflictError(
                f"Your {self.per_day:,} submissions of today are used.",
                "The next day begins at 00:00 UTC. No look was used.",
            )
        if not self.seconds or not mine:
            return
        passed = (at - datetime.fromisoformat(mine[-1].at)).total_seconds()
        if 0 <= passed < self.seconds:
            raise ConflictError(
                f"Two submissions are at least {self.seconds:g} s apart.",
                f"Try again in {ceil(self.seconds - passed):,} s. No look was used.",
            )

    def left(self, mine: Sequence[Entry], at: datetime) -> int | None:
        """Submissions that an entrant has left today; ``None`` without such a limit."""
        used = sum(one.at[:10] == at.date().isoformat() for one in mine)
        rests = [self.each - len(mine)] * bool(self.each) + [self.per_day - used] * bool(
            self.per_day
        )
        return max(0, min(rests)) if rests else None


def parse_end(text: str) -> str:
    """Read a day or a time as UTC in ISO form; a day ends at its last moment.

    Raises
    ------
    UsageError
        When it is neither.
    """
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no day or time.", "Such as 2026-12-31 or 2026-12-31T18:00+01:00."
        ) from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    if len(text) == len("2026-12-31"):
        found += timedelta(days=1)
    return found.astimezone(UTC).isoformat(timespec="seconds")


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)
