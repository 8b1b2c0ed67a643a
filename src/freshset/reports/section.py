"""What a report is made of, whatever it is about: comparisons, competitions, validations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from freshset.reports.figures.base import Figure
from freshset.reports.study import check_slug
from freshset.reports.table import Align, Table


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline number: its name, its text, and its interval or what else belongs to it."""

    name: str
    text: str
    interval: str = ""
    align: Align = "right"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report.

    A kind of result enters the report by a function that makes a section of it, such as
    `freshset.reports.comparison.comparison_section`.  Page and files need no more.

    Attributes
    ----------
    kind
        What it is, as a noun: ``comparison``.  Part of the name of the JSON file.
    title
        Heading.
    slug
        Short name in file names and links: lower-case letters and digits, joined by ``-``.
    findings
        Sentences.
    document
        The result behind it, as JSON.
    note
        One paragraph on where the data come from.
    warnings
        What may be wrong with the numbers.
    glance
        Headline numbers; sections of one kind have them under the same names, and share a table of
        them on a page with several sections.
    figures, tables
        As they are written to files, in the order of the page.
    provenance
        How the numbers were made, as names and values.
    body
        What the page shows below the findings; by default headline numbers, figures and tables.

    Raises
    ------
    UsageError
        When the slug has other characters.
    """

    kind: str
    title: str
    slug: str
    findings: tuple[str, ...]
    document: Mapping[str, Any]
    note: str = ""
    warnings: tuple[str, ...] = ()
    glance: tuple[Tile, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    body: Markup | None = None

    def __post_init__(self) -> None:
        check_slug(self.slug)
