"""What the adapters of files on this machine have in common."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.files import read_json
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef

Choice = TypeVar("Choice", bound=str)


def existing_file(ref: ModelRef, runtime: Runtime, name: str) -> Path:
    """Path of a file that a reference names, relative to the runtime's root.

    Raises
    ------
    UsageError
        When there is no such file.
    """
    path = Path(runtime.root) / name
    if not path.is_file():
        raise UsageError(
            f"{ref}: there is no file {path}.",
            "Paths are relative to the folder of the study, or to the current one.",
        )
    return path


def only_fp32(ref: ModelRef, runtime: Runtime, reason: str) -> None:
    """Raise `UsageError` with the reason when another precision is asked for."""
    if runtime.precision != "fp32":
        raise UsageError(
            f"{ref}: cannot run in {runtime.precision}: {reason}.", "Use --precision fp32."
        )


def no_revision(ref: ModelRef) -> None:
    """Raise `UsageError` when a reference to something local has a revision."""
    if ref.revision:
        raise UsageError(
            f"{ref}: files have no revisions, so @{ref.revision} means nothing here.",
            "Name the file itself; its digest tells its versions apart.",
        )


def versions(*libraries: Any) -> dict[str, str]:
    """Versions of libraries and of what prepares the items."""
    found = {library.__name__: str(library.__version__) for library in libraries}
    return {
        **found,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
    }


def read_classes(path: Path) -> ClassSpace:
    """Read a class space in the order of the model's outputs.

    Parameters
    ----------
    path
        A text file with one key a line, or a ``.json`` file: a list of keys, or an object with
        ``keys`` and perhaps ``names`` and ``name``.

    Raises
    ------
    DataError
        When it holds something else, or a key twice.
    """
    if path.suffix.lower() == ".json":
        return class_space(read_json(path), str(path))
    return class_space([line.strip() for line in read_lines(path) if line.strip()], str(path))


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, as they are but for the line breaks.

    Raises
    ------
    DataError
        When it is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text.", "Save it as UTF-8.") from error
    # Not splitlines: it also splits at characters that may be part of an id.
    return text.removesuffix("\n").split("\n")


def class_space(value: object, where: str) -> ClassSpace:
    """Make a class space of a list of keys, or of an object with ``keys``, ``names`` and ``name``.

    Raises
    ------
    DataError
        When it is neither, is empty, or has a key twice; names ``where``.
    """
    table = value if isinstance(value, dict) else {"keys": value}
    keys, names = table.get("keys"), table.get("names", [])
    if not (isinstance(keys, list) and keys and isinstance(names, list)):
        raise DataError(
            f"{where}: not a list of classes.", "Give the keys of the classes in their order."
        )
    if any(isinstance(key, (dict, list, float)) or key is None for key in [*keys, *names]):
        raise DataError(f"{where}: a class that is neither a text nor a whole number.")
    try:
        return ClassSpace(str(table.get("name", "")), tuple(map(str, keys)), tuple(map(str, names)))
    except DataError as error:
        raise DataError(f"{where}: {error.message}", error.hint) from error


def one_of(ref: ModelRef, name: str, choices: tuple[Choice, ...]) -> Choice:
    """Value of an option that is one of a few words, of which the first is the default.

    Raises
    ------
    UsageError
        When it is another one.
    """
    value = ref.option(name, choices[0])
    for choice in choices:
        if value == choice:
            return choice
    raise UsageError(
        f"{ref}: {name} is {value!r}.", f"Use one of: {', '.join(filter(None, choices))}."
    )
