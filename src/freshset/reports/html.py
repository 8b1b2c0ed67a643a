"""The report as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import matplotlib
import numpy as np
import scipy
from markupsafe import Markup

from freshset.core.errors import UsageError
from freshset.reports.comparison import comparison_section
from freshset.reports.figures.style import PALETTE
from freshset.reports.formats import to_html
from freshset.reports.markup import drawn, render
from freshset.reports.section import Section
from freshset.reports.study import Study
from freshset.version import __version__


def render_html(parts: Sequence[Study | Section], *, title: str = "") -> str:
    """Return the page.

    Parameters
    ----------
    parts
        At least one; their slugs must differ.
    title
        Heading of the page; by default that of the only part.

    Raises
    ------
    UsageError
        When there is no part, or two have one slug.
    """
    return render_sections(sections_of(parts), title=title)


def sections_of(parts: Sequence[Study | Section]) -> tuple[Section, ...]:
    """Return what a report shows, with all figures drawn.

    Raises
    ------
    UsageError
        When there is no part, or two have one slug.
    """
    if not parts:
        raise UsageError("A report needs at least one study.")
    slugs = [part.slug for part in parts]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    if twice:
        raise UsageError(
            f"Two studies have the slug {twice[0]!r}.", "Give each study a slug of its own."
        )
    return tuple(comparison_section(part) if isinstance(part, Study) else part for part in parts)


def render_sections(sections: Sequence[Section], *, title: str = "") -> str:
    """Return the page of sections that are drawn already."""
    only = sections[0].title if len(sections) == 1 else "Do the scores survive a fresh test set?"
    return render(
        "report.html.j2",
        title=title or only,
        sections=sections,
        bodies=[_body(one) if one.body is None else one.body for one in sections],
        kinds=[(kind, list(some)) for kind, some in groupby(_sorted(sections), _kind)],
        versions=versions(),
        palette=PALETTE,
    )


def versions() -> dict[str, str]:
    """Return the versions of what made the numbers and the figures."""
    return {
        "freshset": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "matplotlib": matplotlib.__version__,
    }


def _body(section: Section) -> Markup:
    return render(
        "section.html.j2",
        section=section,
        figures=[drawn(section.slug, one) for one in section.figures],
        tables=[(one.name, to_html(one, sortable=True)) for one in section.tables],
    )


def _kind(section: Section) -> str:
    return section.kind


def _sorted(sections: Sequence[Section]) -> list[Section]:
    """By kind, kinds in the order in which they come first."""
    kinds = [one.kind for one in sections]
    return sorted(sections, key=lambda one: kinds.index(one.kind))
