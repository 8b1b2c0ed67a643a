from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.times import utc_texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000+00:00"),
        ("2026-01-31 12:00:00", "2026-01-31T12:00:00.000000+00:00"),
        ("2026-01-31T12:00:00.5-08:00", "2026-01-31T20:00:00.500000+00:00"),
        ("2026-01-31", "2026-01-31T00:00:00.000000+00:00"),
        ("Thu Sep 20 14:12:45 PDT 2018", "2018-09-20T21:12:45.000000+00:00"),
        ("Thu Dec  6 14:12:45 PST 2018", "2018-12-06T22:12:45.000000+00:00"),
    ],
)
def test_times(text: str, expected: str) -> None:
    column = pd.Series(["", text, text], name="t")
    assert utc_texts(column, Path("f")).tolist() == ["", expected, expected]


@pytest.mark.parametrize("text", ["now", "12", "2026-13-01", "Thu Sep 20 14:12:45 XXX 2018", "nan"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(DataError, match=f"f: row 1: 't' is '{text}', no time"):
        utc_texts(pd.Series(["2026-01-31", text], name="t"), Path("f"))


def test_no_times() -> None:
    assert utc_texts(pd.Series([], dtype=object, name="t"), Path("f")).tolist() == []
