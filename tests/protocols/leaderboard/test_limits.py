from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freshset.core.errors import ConflictError, UsageError
from freshset.protocols.leaderboard.limits import Limits, now, parse_end
from freshset.protocols.sealed.ledger import Entry

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def sent(*ago: float) -> list[Entry]:
    """Submissions so many seconds before noon."""
    times = [(NOON - timedelta(seconds=one)).isoformat(timespec="microseconds") for one in ago]
    return [Entry(k, at, "bob", "evaluate") for k, at in enumerate(times)]


def test_no_limits_let_everything_pass() -> None:
    Limits(1).check_entrant(sent(*[0] * 100), NOON)
    assert Limits(1).left(sent(1), NOON) is None


def test_each_and_per_day() -> None:
    limits = Limits(9, each=3, per_day=2)
    yesterday = 13 * 3600
    limits.check_entrant(sent(yesterday, yesterday), NOON)
    assert limits.left(sent(yesterday, yesterday), NOON) == 1
    assert limits.left(sent(60), NOON) == 1
    with pytest.raises(ConflictError, match="2 submissions of today are used"):
        limits.check_entrant(sent(60, 30), NOON)
    with pytest.raises(ConflictError, match="All of your 3 submissions"):
        limits.check_entrant(sent(yesterday, yesterday, 1), NOON)
    # Midnight begins a day, in UTC.
    limits.check_entrant(sent(60, 30), NOON + timedelta(hours=12))


def test_seconds_between_say_how_long() -> None:
    limits = Limits(9, seconds=60)
    limits.check_entrant([], NOON)
    limits.check_entrant(sent(60), NOON)
    with pytest.raises(ConflictError, match="60 s apart") as raised:
        limits.check_entrant(sent(500, 17.5), NOON)
    assert raised.value.hint == "Try again in 43 s. No look was used."


def test_a_clock_that_went_back_locks_nobody_out_and_lets_nobody_do_more_a_day() -> None:
    limits = Limits(9, per_day=2, seconds=60)
    later = sent(-3600)  # noted an hour ahead of the clock of now
    limits.check_entrant(later, NOON)
    with pytest.raises(ConflictError, match="of today"):
        limits.check_entrant(sent(-3600, -1800), NOON)


def test_the_end() -> None:
    assert not Limits(1).have_ended(NOON)
    limits = Limits(1, ends=parse_end("2026-05-04"))
    assert limits.ends == "2026-05-05T00:00:00+00:00"
    assert not limits.have_ended(NOON)
    assert limits.have_ended(NOON + timedelta(hours=12))
    assert parse_end("2026-05-04T18:00+02:00") == "2026-05-04T16:00:00+00:00"
    assert parse_end("") == ""
    with pytest.raises(UsageError, match="no day or time"):
        parse_end("soon")
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.parametrize(
    "limits",
    [Limits(0), Limits(1, each=-1), Limits(1, per_day=-1), Limits(1, seconds=-1.0),
     Limits(1, seconds=float("nan"))],
)  # fmt: skip
def test_numbers_that_cannot_be_meant(limits: Limits) -> None:
    with pytest.raises(UsageError):
        limits.check()


def test_they_are_kept_as_json() -> None:
    limits = Limits(9, 1, 2, 3.5, "2026-05-05T00:00:00+00:00")
    assert Limits.from_dict(limits.to_dict()) == limits
