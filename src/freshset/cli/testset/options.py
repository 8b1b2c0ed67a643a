"""Options that the verbs of ``freshset testset`` share, and what is made of them."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshset.cli.options import JsonOption, OutputOption
from freshset.core.errors import UsageError

if TYPE_CHECKING:
    from freshset.core.frequencies import Frequencies
    from freshset.replication.project import Project

__all__ = [
    "DatabaseOption",
    "FrequenciesOption",
    "JsonOption",
    "OutputOption",
    "ProjectOption",
    "WhoOption",
    "WhyOption",
    "frequencies_of",
    "opened",
    "person",
]

ProjectOption = Annotated[
    Path,
    typer.Option(
        "--project", help="Folder of the project.", envvar="FRESHSET_PROJECT", metavar="DIR"
    ),
]
DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        help="Database of the project, where it is not a file in the folder: "
        "postgresql+psycopg://user@host/name.",
        envvar="FRESHSET_DATABASE",
        metavar="URL",
    ),
]
WhoOption = Annotated[
    str,
    typer.Option("--who", help="Who does this; you, when it is not given.", envvar="FRESHSET_WHO"),
]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, which the log keeps.")]


FrequenciesOption = Annotated[
    Path | None,
    typer.Option(
        "--frequencies",
        help="Selection frequencies to use in place of those of the project's answers: "
        "csv or Parquet with item_id, class, selected, answers.",
        metavar="FILE",
    ),
]


def opened(project: Path, database: str = "") -> Project:
    """Open a project; close it, or use it in a ``with`` block.

    Raises
    ------
    UsageError
        When there is none.
    StoreError
        When its database is damaged, or newer than this version of freshset.
    """
    from freshset.replication.project import Project

    return Project.open(project, database=database)


def person(who: str = "") -> str:
    """Return who is at work: ``who``, or else the user of the operating system.

    Raises
    ------
    UsageError
        When neither is known, as in a container without users.
    """
    if who.strip():
        return who.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:  # KeyError before Python 3.13
        raise UsageError(
            "The log needs the name of who does this, and the system tells none.",
            "Give --who NAME, or set FRESHSET_WHO.",
        ) from error


def frequencies_of(project: Project, path: Path | None) -> Frequencies:
    """Selection frequencies of a file, or those of the project's answers under its policy."""
    if path is not None:
        from freshset.store.frequencies import read_frequencies

        return read_frequencies(path)
    from freshset.replication.labelling.frequencies import pooled_frequencies

    return pooled_frequencies(project).frequencies
