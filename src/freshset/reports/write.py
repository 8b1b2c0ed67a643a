"""A report as files: the page, the tables, the figures with their data, and the documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from freshset.core.errors import UsageError, did_you_mean
from freshset.core.files import pretty_json, write_atomic
from freshset.reports.figures.base import Figure, to_png, to_svg
from freshset.reports.formats import to_csv, to_latex, to_markdown
from freshset.reports.html import render_sections, sections_of
from freshset.reports.section import Section
from freshset.reports.study import Study
from freshset.reports.table import Table

FORMATS = ("csv", "md", "tex", "svg", "png")

_TABLE_WRITERS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}
_FIGURE_WRITERS: dict[str, Callable[[Figure], str | bytes]] = {
    "svg": to_svg,
    "png": to_png,
    "csv": lambda figure: to_csv(figure.data),
}


def write_report(
    studies: Sequence[Study | Section],
    folder: Path | str,
    *,
    formats: Collection[str] = FORMATS,
    title: str = "",
) -> Path:
    """Write a report; the same studies give the same bytes.

    ``folder`` gets ``index.html`` and, for each study, ``<slug>-<kind>.json`` (such as
    ``-comparison.json``), ``tables/<slug>-<name>.*`` and ``figures/<slug>-<name>.*``.  Files of these names are replaced; nothing else is touched.

    Parameters
    ----------
    studies
        Comparisons, and sections about anything else: see `freshset.reports.section.Section`.
    formats
        Which of ``csv``, ``md`` and ``tex`` (tables), ``svg``, ``png`` and ``csv`` (figures) to
        write; the page and the JSON always are.
    title
        Heading of the page; by default that of the only study.

    Returns
    -------
    Path
        Of ``index.html``.

    Raises
    ------
    UsageError
        When there is no study, two have one slug, a format is unknown, or the folder cannot be
        written to.
    """
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"{name!r} is not a format.", did_you_mean(name, FORMATS))
    folder = Path(folder)
    sections = sections_of(studies)
    try:
        for section in sections:
            _write_section(section, folder, formats)
        # Last, so that a page is there only when all that belongs to it is.
        page = folder / "index.html"
        write_atomic(page, render_sections(sections, title=title))
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot write the report ({error.strerror}).", "Name another folder."
        ) from error
    return page


def _write_section(section: Section, folder: Path, formats: Collection[str]) -> None:
    for table in section.tables:
        for kind, write in _TABLE_WRITERS.items():
            if kind in formats:
                path = folder / "tables" / f"{section.slug}-{table.name}.{kind}"
                write_atomic(path, write(table))
    for figure in section.figures:
        for kind, draw in _FIGURE_WRITERS.items():
            if kind in formats:
                path = folder / "figures" / f"{section.slug}-{figure.name}.{kind}"
                write_atomic(path, draw(figure))
    document = pretty_json(dict(section.document))
    write_atomic(folder / f"{section.slug}-{section.kind}.json", document)
