"""How results reach people: data on stdout or in a file, messages on stderr."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from freshset.core.files import pretty_json, write_atomic


def emit(data: dict[str, Any], text: str, *, as_json: bool, output: Path | None) -> None:
    """Write a result as JSON or as text to a file, or to stdout when there is none (or ``-``)."""
    body = pretty_json(data) if as_json else text.rstrip("\n") + "\n"
    if output is None or str(output) == "-":
        typer.echo(body, nl=False)
    else:
        write_atomic(output, body)
        say(f"Wrote {output}.")


def say(message: str) -> None:
    """Print a message for people on stderr."""
    typer.echo(message, err=True)


def warn(messages: Iterable[str]) -> None:
    """Print warnings on stderr."""
    for message in messages:
        say(f"Warning: {message}")


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)
) -> str:
    """Lay out text in columns; those whose numbers are in ``left`` start at one place."""
    table = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def wrapped(sentences: Iterable[str]) -> str:
    """Lay out sentences as a bulleted list, as wide as the terminal up to 100 columns."""
    import shutil
    import textwrap

    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    return "\n".join(
        textwrap.fill(text, width, initial_indent="- ", subsequent_indent="  ")
        for text in sentences
    )


def is_terminal() -> bool:
    """Whether progress bars make sense."""
    return sys.stderr.isatty()
