"""A table as a value: what is in each cell, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from freshset.stats.types import Estimate

Value = str | int | float | bool | None
Align = Literal["left", "right"]

ABSENT = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes
    ----------
    header
        What people read.
    fields
        Names of the raw values behind each cell, units included; a cell with an interval has three.
    unit
        What the text is in, for example ``%`` or ``points``; empty when it has none.
    """

    header: str
    fields: tuple[str, ...]
    align: Align = "right"
    unit: str = ""

    @property
    def title(self) -> str:
        """The header with its unit."""
        return f"{self.header} ({self.unit})" if self.unit else self.header


@dataclass(frozen=True, slots=True)
class Cell:
    """Raw values, and the text that shows them.

    Attributes
    ----------
    values
        One for each field of the column; the first is what the column is sorted by.
    text
        The first value, formatted.
    interval
        The interval, formatted; empty when there is none.
    mark
        A sign that the table's caption explains; empty for none.
    """

    values: tuple[Value, ...]
    text: str
    interval: str = ""
    mark: str = ""

    @property
    def full(self) -> str:
        """Text, interval and mark in one."""
        return " ".join(part for part in (self.text + self.mark, self.interval) if part)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows under one caption."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the raw values of a row, in order."""
        return tuple(field for column in self.columns for field in column.fields)


def plain(name: str, fields: tuple[str, ...], rows: list[tuple[Value, ...]]) -> Table:
    """Return the raw values behind a figure as a table with one field in each column."""
    columns = tuple(Column(field, (field,)) for field in fields)
    return Table(name, "", columns, tuple(tuple(_raw(v) for v in row) for row in rows))


def text_cell(text: str) -> Cell:
    """Return a cell that is only text."""
    return Cell((text,), text)


def estimate_cell(estimate: Estimate, digits: int, *, signed: bool = False) -> Cell:
    """Return a value with its interval; a part that is not finite is absent."""
    value, low, high = estimate.value, estimate.low, estimate.high
    interval = ""
    if isfinite(low) and isfinite(high):
        interval = f"[{number(low, digits, signed=signed)}, {number(high, digits, signed=signed)}]"
    return Cell(
        tuple(finite(x) for x in (value, low, high)), number(value, digits, signed=signed), interval
    )


def number(value: float, digits: int, *, signed: bool = False) -> str:
    """Format a number with a true minus sign; never as minus zero."""
    if not isfinite(value):
        return ABSENT
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        return text.lstrip("-")
    if signed and value > 0:
        return "+" + text
    return text.replace("-", MINUS)


def finite(value: float) -> float | None:
    """Return ``None`` for nan and infinities."""
    return value if isfinite(value) else None


def _raw(value: Value) -> Cell:
    if isinstance(value, float):
        value = finite(value)
    return Cell((value,), "" if value is None else str(value))
