"""A report as files: the page, the tables, the figures with their data, and the comparison."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from freshset.core.errors import UsageError, did_you_mean
from freshset.core.files import pretty_json, write_atomic
from freshset.reports.figures import all_figures
from freshset.reports.figures.base import Figure, to_png, to_svg
from freshset.reports.formats import to_csv, to_latex, to_markdown
from freshset.reports.html import check_studies, render_drawn
from freshset.reports.study import Study
from freshset.reports.table import Table
from freshset.reports.tables import all_tables

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
    studies: Sequence[Study],
    folder: Path | str,
    *,
    formats: Collection[str] = FORMATS,
    title: str = "",
) -> Path:
    """Write a report; the same studies give the same bytes.

    ``folder`` gets ``index.html``, ``<slug>-comparison.json``, ``tables/<slug>-<name>.*`` and
    ``figures/<slug>-<name>.*``.  Files of these names are replaced; nothing else is touched.

    Parameters
    ----------
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
    check_studies(studies)
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"{name!r} is not a format.", did_you_mean(name, FORMATS))
    folder = Path(folder)
    drawn = [(study, all_figures(study)) for study in studies]
    try:
        for study, figures in drawn:
            _write_study(study, figures, folder, formats)
        # Last, so that a page is there only when all that belongs to it is.
        page = folder / "index.html"
        write_atomic(page, render_drawn(drawn, title=title))
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot write the report ({error.strerror}).", "Name another folder."
        ) from error
    return page


def _write_study(
    study: Study, figures: Sequence[Figure], folder: Path, formats: Collection[str]
) -> None:
    for table in all_tables(study.comparison):
        for kind, write in _TABLE_WRITERS.items():
            if kind in formats:
                write_atomic(folder / "tables" / f"{study.slug}-{table.name}.{kind}", write(table))
    for figure in figures:
        for kind, draw in _FIGURE_WRITERS.items():
            if kind in formats:
                path = folder / "figures" / f"{study.slug}-{figure.name}.{kind}"
                write_atomic(path, draw(figure))
    comparison = pretty_json(study.comparison.to_dict())
    write_atomic(folder / f"{study.slug}-comparison.json", comparison)
