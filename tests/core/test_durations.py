"""Times are read as people write them."""

from __future__ import annotations

import pytest

from freshset.core.durations import parse_duration
from freshset.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200),
        ("90 min", 5400),
        ("1h30m", 5400),
        (" 1.5H ", 5400),
        ("45s", 45),
        ("1d", 86_400),
    ],
)
def test_reads(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 weeks", "2h later", "-2h", "0s", "1h,30m"])
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_duration(text)
