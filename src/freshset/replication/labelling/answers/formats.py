"""The one list of forms in which answers are read."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.replication.labelling.answers.base import Records

# Name -> module with a function ``read(path)``.
FORMATS = {
    "table": "freshset.replication.labelling.answers.tables",
    "mturk": "freshset.replication.labelling.answers.mturk",
    "label-studio": "freshset.replication.labelling.answers.label_studio",
    "real": "freshset.replication.labelling.answers.real",
    "cifar10h": "freshset.replication.labelling.answers.cifar10h",
    "engstrom": "freshset.replication.labelling.answers.engstrom",
}


def read_answers(format: str, path: Path | str) -> Records:
    """Read a file of answers.

    Parameters
    ----------
    format
        A key of `FORMATS`.

    Raises
    ------
    UsageError
        For an unknown format.
    DataError
        When the file is not there, or is not what it should be.
    """
    if format not in FORMATS:
        raise UsageError(f"No format of answers {format!r}.", did_you_mean(format, FORMATS))
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    read: Callable[[Path], Records] = import_module(FORMATS[format]).read
    return read(path)
