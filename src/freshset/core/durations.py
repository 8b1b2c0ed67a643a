"""Times that something may take, as people write them."""

from __future__ import annotations

import re

from freshset.core.errors import UsageError

_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def parse_duration(text: str) -> float:
    """Return the seconds that ``2h``, ``90 min`` or ``1h30m`` stand for.

    Raises
    ------
    UsageError
        When it is no time, or none at all.
    """
    given, seconds, at = text.strip().lower(), 0.0, 0
    for part in _PART.finditer(given):
        if part.start() != at or part[2] not in _SECONDS:
            break
        seconds += float(part[1]) * _SECONDS[part[2]]
        at = part.end()
    if at != len(given) or not seconds:
        raise UsageError(f"{text!r} is not a time.", "Write for example 2h, 90min or 1h30m.")
    return seconds
