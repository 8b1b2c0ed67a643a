"""Templates of the page, and figures as it shows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from freshset.reports.figures.base import Figure
from freshset.reports.svg import inline


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as the page needs it."""

    id: str
    title: str
    alt: str
    svg: str


def drawn(slug: str, figure: Figure) -> Drawn:
    """Draw a figure of the section with this slug."""
    name = f"{slug}-{figure.name}"
    return Drawn(name, figure.title, figure.alt, inline(figure, name))


def render(template: str, **values: Any) -> Markup:
    """Fill in a template of this package; text is escaped unless the template calls it ``safe``."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 - escaped


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("freshset.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
