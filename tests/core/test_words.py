"""Numbers and names read as people write them."""

from __future__ import annotations

import pytest

from freshset.core.words import count, listed


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "no cells"), (1, "one cell"), (9, "nine cells"), (10, "10 cells"), (1200, "1,200 cells")],
)
def test_counts(number: int, text: str) -> None:
    assert count(number, "cell") == text


def test_lists() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert listed(list("abc"), most=2) == "a, b and 1 more"
