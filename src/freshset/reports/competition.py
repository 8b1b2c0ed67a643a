"""The section of a finished competition: public against private scores."""

from __future__ import annotations

from freshset.protocols.competition.audit import CompetitionAudit, Row
from freshset.reports.figures.competition import competition, p_values
from freshset.reports.section import Section, Tile
from freshset.reports.study import slug_of
from freshset.reports.table import Cell, Column, Table, estimate_cell, number, text_cell
from freshset.stats.types import Estimate


def competition_section(
    audit: CompetitionAudit, *, title: str = "", slug: str = "", note: str = ""
) -> Section:
    """Return the audit of a competition as a section of a report.

    Parameters
    ----------
    slug
        Short name in file names and links; made from the title by default.
    note
        One paragraph on where the data come from.
    """
    title = title or "Public and private scores of a competition"
    return Section(
        kind="competition",
        title=title,
        slug=slug or slug_of(title),
        findings=audit.findings,
        document=audit.to_dict(),
        note=note,
        warnings=audit.warnings,
        glance=(
            Tile("Submissions", f"{len(audit.rows):,}"),
            _points("Mean drop, points", audit.drop),
            _points("Drop of the top tenth, points", audit.top_drop),
            _points("The same by luck alone, points", audit.top_luck),
            Tile("Above the private score beyond noise", f"{audit.beyond:,}"),
        ),
        figures=(competition(audit), p_values(audit)),
        tables=(_submissions(audit),),
        provenance=(
            ("Public part", f"{audit.n_public:,} examples"),
            ("Private part", f"{audit.n_private:,} examples"),
            ("Confidence level", f"{100 * audit.level:g} %"),
            ("Drop intervals", "what a random split into the two parts leaves open"),
            ("p-values", "two proportions, exact mid-p of a random split, Holm's correction"),
        ),
    )


def _points(name: str, estimate: Estimate) -> Tile:
    cell = estimate_cell(estimate, 2)
    return Tile(name, cell.text, cell.interval)


def _submissions(audit: CompetitionAudit) -> Table:
    columns = (
        Column("Place", ("place",)),
        Column("Team", ("team",), "left"),
        Column("Time", ("time",), "left"),
        Column("Public", ("public_fraction",), unit="%"),
        Column("Private", ("private_fraction",), unit="%"),
        Column("Drop", ("drop_points",), unit="points"),
        Column("p, two proportions", ("p",)),
        Column("p, random split", ("p_split",)),
        Column("after Holm", ("p_adjusted",)),
    )
    rows = sorted(audit.rows, key=lambda row: -row.public)
    caption = "Submissions, best public score first; a p-value is about one submission."
    cells = tuple(_cells(place, row) for place, row in enumerate(rows, start=1))
    return Table("submissions", caption, columns, cells)


def _cells(place: int, row: Row) -> tuple[Cell, ...]:
    drop = 100 * (row.public - row.private)
    return (
        Cell((place,), f"{place:,}"),
        text_cell(row.team),
        text_cell(row.time),
        Cell((row.public,), number(100 * row.public, 2)),
        Cell((row.private,), number(100 * row.private, 2)),
        Cell((drop,), number(drop, 2, signed=True)),
        *(_p(value) for value in (row.p, row.p_split, row.p_adjusted)),
    )


def _p(value: float) -> Cell:
    return Cell((value,), "< 0.001" if value < 0.001 else number(value, 3))
