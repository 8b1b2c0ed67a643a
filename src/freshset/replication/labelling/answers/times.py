"""Times of answers, made one kind of text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from freshset.core.errors import DataError

# MTurk's batch files: Thu Sep 20 14:12:45 PDT 2018.
_MTURK = re.compile(r"(\w{3} \w{3} +\d+ [\d:]{8}) (\w{3}) (\d{4})")
_HOURS = {"PST": -8, "PDT": -7, "UTC": 0, "GMT": 0}


def utc_texts(column: pd.Series, path: Path) -> pd.Series:
    """Times in UTC as the tables hold them; empty stays empty.

    Parameters
    ----------
    column
        Times in ISO 8601, or as MTurk writes them (``Thu Sep 20 14:12:45 PDT 2018``).  A time without
        a zone is taken as UTC.
    path
        What to name in an error.

    Raises
    ------
    DataError
        When a time cannot be read; names the row, from 0.
    """
    codes, unique = pd.factorize(column.astype(str))
    out = []
    for code, text in enumerate(unique):
        try:
            out.append(_utc(text))
        except (ValueError, KeyError, OverflowError) as error:
            row = int(np.flatnonzero(codes == code)[0])
            raise DataError(
                f"{path}: row {row}: {column.name!r} is {text!r}, no time.",
                "Write times in ISO 8601, such as 2026-01-31T12:00:00Z.",
            ) from error
    return pd.Series(
        np.array(out, dtype=object)[codes] if out else [], dtype=object, name=column.name
    )


def _utc(text: str) -> str:
    if not text.strip():
        return ""
    match = _MTURK.fullmatch(text.strip())
    if match is None:
        time = datetime.fromisoformat(text.strip())
    else:
        time = datetime.strptime(f"{match[1]} {match[3]}", "%a %b %d %H:%M:%S %Y")
        time = time.replace(tzinfo=timezone(timedelta(hours=_HOURS[match[2]])))
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return time.astimezone(UTC).isoformat(timespec="microseconds")
