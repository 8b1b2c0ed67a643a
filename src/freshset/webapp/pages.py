"""Server-rendered pages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from freshset.version import __version__

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a page.

    Parameters
    ----------
    template
        Name of a file in ``templates``.
    status
        Of the response; the template knows it as ``status``.
    values
        What else it knows, beside ``session`` (where ``request.state`` has one), ``path``,
        ``version`` and ``board`` (where a leaderboard is served).
    """
    session = getattr(request.state, "session", None)
    state = getattr(request.scope.get("app"), "state", None)
    board = getattr(getattr(state, "services", None), "board", None)
    known = {
        "session": session, "path": request.url.path, "version": __version__, "board": board,
    }  # fmt: skip
    text = _environment().get_template(template).render(known | values | {"status": status})
    return HTMLResponse(text, status)


def paragraphs(text: str) -> list[str]:
    """Paragraphs of a text, which empty lines part."""
    parts = "\n".join(line.strip() for line in text.splitlines()).split("\n\n")
    return [part.strip() for part in parts if part.strip()]
