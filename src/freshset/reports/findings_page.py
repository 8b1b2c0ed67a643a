"""A page of findings, figures and tables that is no comparison: the audit of a competition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from freshset.core.errors import UsageError
from freshset.core.files import pretty_json, write_atomic
from freshset.protocols.competition.audit import CompetitionAudit, Row
from freshset.reports.figures.base import Figure, to_png, to_svg
from freshset.reports.figures.competition import competition
from freshset.reports.figures.style import PALETTE
from freshset.reports.formats import to_csv, to_html
from freshset.reports.html import Drawn, versions
from freshset.reports.svg import inline
from freshset.reports.table import Cell, Column, Table, number, text_cell


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """What a page shows.

    Attributes
    ----------
    slug
        Short name, part of file names.
    document
        The result behind it, as JSON.
    """

    slug: str
    title: str
    note: str
    findings: tuple[str, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    document: Mapping[str, Any]


def competition_page(audit: CompetitionAudit, *, title: str = "") -> FindingsPage:
    """Return the page of a finished competition."""
    note = (
        f"{len(audit.rows):,} submissions, {audit.n_public:,} public and {audit.n_private:,} private "
        "examples."
    )
    if audit.dropped:
        note += f" {audit.dropped:,} rows without both scores are left out."
    return FindingsPage(
        "competition",
        title or "Public and private scores of a competition",
        note,
        audit.findings,
        (competition(audit),),
        (_submissions(audit),),
        audit.to_dict(),
    )


def render_findings(page: FindingsPage) -> str:
    """Return the page as one self-contained HTML document."""
    figures = [
        Drawn(f"{page.slug}-{figure.name}", figure.title, figure.alt,
              Markup(inline(figure, f"{page.slug}-{figure.name}")))  # noqa: S704 - drawn by us
        for figure in page.figures
    ]  # fmt: skip
    tables = [Markup(to_html(one, sortable=True)) for one in page.tables]  # noqa: S704 - escaped there
    text: str = _template().render(
        page=page, figures=figures, tables=tables, versions=versions(), palette=PALETTE
    )
    return text


def write_findings(page: FindingsPage, folder: Path) -> Path:
    """Write page, figures, tables and JSON into a folder.

    Returns
    -------
    Path
        Of ``index.html``, which is written last.

    Raises
    ------
    UsageError
        When the folder cannot be written to.
    """
    try:
        for table in page.tables:
            write_atomic(folder / "tables" / f"{page.slug}-{table.name}.csv", to_csv(table))
        for figure in page.figures:
            stem = folder / "figures" / f"{page.slug}-{figure.name}"
            write_atomic(stem.with_suffix(".svg"), to_svg(figure))
            write_atomic(stem.with_suffix(".png"), to_png(figure))
            write_atomic(stem.with_suffix(".csv"), to_csv(figure.data))
        write_atomic(folder / f"{page.slug}.json", pretty_json(dict(page.document)))
        write_atomic(folder / "index.html", render_findings(page))
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot write the report ({error.strerror}).", "Name another folder."
        ) from error
    return folder / "index.html"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("freshset.reports"), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template("findings.html.j2")


def _submissions(audit: CompetitionAudit) -> Table:
    columns = (
        Column("Team", ("team",), "left"),
        Column("Time", ("time",), "left"),
        Column("Public", ("public",), unit="%"),
        Column("Private", ("private",), unit="%"),
        Column("Drop", ("drop",), unit="points"),
        Column("p, two proportions", ("p",)),
        Column("p, random split", ("p_split",)),
        Column("after Holm", ("p_adjusted",)),
    )
    rows = sorted(audit.rows, key=lambda row: -row.public)
    caption = "Submissions, best public score first; a p-value is about one submission."
    return Table("submissions", caption, columns, tuple(_cells(row) for row in rows))


def _cells(row: Row) -> tuple[Cell, ...]:
    drop = 100 * (row.public - row.private)
    return (
        text_cell(row.team),
        text_cell(row.time),
        Cell((row.public,), number(100 * row.public, 2)),
        Cell((row.private,), number(100 * row.private, 2)),
        Cell((drop,), number(drop, 2, signed=True)),
        *(Cell((p,), number(p, 3)) for p in (row.p, row.p_split, row.p_adjusted)),
    )
