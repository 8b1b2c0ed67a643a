"""What the package of a test set says of how it was made."""

from __future__ import annotations

from pathlib import Path

from freshset.core.errors import DataError
from freshset.core.files import read_json

PACKAGE_SCHEMA = "freshset.package/1"
REVISION_FILE = "revision.json"


def touched_near(path: Path | str) -> str:
    """Why a test set that freshset made is adaptively touched; empty when it is not, or is another's.

    Parameters
    ----------
    path
        Absolute path of a package, or of a file or folder in it, up to two levels down, where
        ``revision.json`` says it; or of a table of images with a file of its own beside it
        (`beside`).  A pattern of files will do.  Other texts, such as URLs, are no packages.

    Raises
    ------
    DataError
        When the file that says it cannot be read.
    """
    path = Path(path)
    if not path.is_absolute():
        return ""
    files = [folder / REVISION_FILE for folder in (path, *path.parents[:2])]
    for file in ([beside(path)] if path.name else []) + files:
        if not file.is_file():
            continue
        said = read_json(file)
        if isinstance(said, dict) and said.get("schema") == PACKAGE_SCHEMA:
            why = said.get("touched")
            if not isinstance(why, str):
                raise DataError(
                    f"{file}: 'touched' is {why!r}, no text.", "Copy the package again."
                )
            return why
    return ""


def beside(path: Path) -> Path:
    """File that tells the revision of a table of images: ``r3.revision.json`` for ``r3.csv``."""
    return path.with_suffix(f".{REVISION_FILE}")
