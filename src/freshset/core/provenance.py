"""What the package of a test set says of how it was made."""

from __future__ import annotations

from pathlib import Path

from freshset.core.errors import DataError
from freshset.core.files import read_json

PACKAGE_SCHEMA = "freshset.package/1"
REVISION_FILE = "revision.json"


def touched_near(path: Path | str) -> str:
    """Why a packaged test set is adaptively touched; empty when it is not, or is no package.

    Parameters
    ----------
    path
        Absolute path of the package, or of a file or folder in it, up to two levels down; a pattern
        of files will do.  Other texts, such as URLs, are no packages.

    Raises
    ------
    DataError
        When the package's ``revision.json`` cannot be read.
    """
    path = Path(path)
    if not path.is_absolute():
        return ""
    for folder in (path, *path.parents[:2]):
        file = folder / REVISION_FILE
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
