from __future__ import annotations

import math

import pytest

from freshset.reports.table import (
    ABSENT,
    MINUS,
    Cell,
    Column,
    Table,
    estimate_cell,
    number,
    plain,
)
from freshset.stats.types import Estimate


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (1234.5, 1, False, "1,234.5"),
        (-1.25, 2, False, f"{MINUS}1.25"),
        (-0.001, 2, False, "0.00"),
        (0.0, 0, True, "0"),
        (3, 0, True, "+3"),
        (-1234, 0, True, f"{MINUS}1,234"),
        (math.nan, 2, False, ABSENT),
        (math.inf, 2, False, ABSENT),
    ],
)
def test_numbers(value, digits, signed, text):
    assert number(value, digits, signed=signed) == text


def test_estimate_without_interval():
    cell = estimate_cell(Estimate(1.5, math.nan, math.nan), 2)
    assert cell == Cell((1.5, None, None), "1.50")
    assert cell.full == "1.50"


def test_full_text_of_a_cell():
    assert Cell((1,), "1", "[0, 2]", "*").full == "1* [0, 2]"


def test_fields_follow_the_columns():
    columns = (Column("A", ("a", "a_low")), Column("B", ("b",), unit="%"))
    assert Table("t", "", columns, ()).fields == ("a", "a_low", "b")
    assert columns[1].title == "B (%)"


def test_plain_keeps_values_and_drops_nan():
    table = plain("t", ("name", "x"), [("m", 0.1), ("n", math.nan)])
    assert [cell.values for row in table.rows for cell in row] == [("m",), (0.1,), ("n",), (None,)]
