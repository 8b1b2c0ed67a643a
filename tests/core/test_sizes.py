from __future__ import annotations

import pytest

from freshset.core.errors import UsageError
from freshset.core.sizes import parse_size, size_text


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("2GB", 2 * 10**9), ("2 GiB", 2**31), ("1.5kb", 1500), ("1b", 1)],
)
def test_parse(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "2 gigs", "1e9", "2G B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (45_300, "45 kB"), (999_700, "1.0 MB"),
     (2.34e9, "2.3 GB"), (5e12, "5.0 TB"), (5e13, "50 TB")],
)  # fmt: skip
def test_text(size: float, text: str) -> None:
    assert size_text(size) == text
