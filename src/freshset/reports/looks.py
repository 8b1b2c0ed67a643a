"""The section of a test set that was looked at: how often, and what that could explain."""

from __future__ import annotations

from freshset.protocols.looks import Looks
from freshset.reports.figures.looks import looks
from freshset.reports.section import Section, Tile
from freshset.reports.study import slug_of
from freshset.reports.table import ABSENT, Cell, Column, Table, number, text_cell


def looks_section(result: Looks, *, title: str = "", slug: str = "", note: str = "") -> Section:
    """Return the looks at a test set as a section of a report.

    Parameters
    ----------
    slug
        Short name in file names and links; made from the title by default.
    note
        One paragraph on where the data come from.
    """
    title = title or f"Looks at {result.testset}"
    cover = None if result.cover is None else 100 * result.cover.bound
    return Section(
        kind="looks",
        title=title,
        slug=slug or slug_of(title),
        findings=result.findings,
        document=result.to_dict(),
        note=note,
        glance=(
            Tile("Looks", f"{result.counted:,}"),
            Tile("Best score, %", ABSENT if result.best is None else number(100 * result.best, 2)),
            Tile("Union bound, points", number(result.union, 1)),
            Tile(
                "Counting similar models less, points",
                ABSENT if cover is None else number(cover, 1),
            ),
            Tile("Worst case, points", number(result.worst, 1)),
        ),
        figures=(looks(result),),
        tables=(_table(result),),
        provenance=(
            ("Test set", f"{result.testset}, n = {result.n:,}"),
            ("Counted from", f"a {result.source}"),
            ("Level of the bounds", f"{100 * result.level:g} %, one-sided"),
        ),
    )


def _table(result: Looks) -> Table:
    columns = (
        Column("Look", ("look",)),
        Column("At", ("at",), "left"),
        Column("Who", ("who",), "left"),
        Column("Model", ("model",), "left"),
        Column("Accuracy", ("accuracy_fraction",), unit="%"),
        Column("Best so far", ("best_fraction",), unit="%"),
    )
    rows = tuple(
        (
            Cell((k,), f"{k:,}"),
            *(text_cell(text) for text in (one.at, one.who, one.model)),
            _percent(one.accuracy),
            _percent(one.best),
        )
        for k, one in enumerate(result.looks, start=1)
    )
    return Table("looks", "Every look that was recorded, oldest first.", columns, rows)


def _percent(value: float | None) -> Cell:
    return Cell((value,), ABSENT if value is None else number(100 * value, 2))
