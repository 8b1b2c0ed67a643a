"""Files that list classes, or say which class something is."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError
from freshset.core.files import read_json

_KEYS = ("key", "wnid", "folder", "class")
_SYNSET = re.compile(r"(n\d{8})\s+(\S.*)")


def read_classes(path: Path) -> Any:
    """Read a file of classes as plain values, for `freshset.datasets.labels.space_of`.

    Parameters
    ----------
    path
        A json file; a csv or tsv file with a column ``key`` (or ``wnid``, ``folder``, ``class``)
        and perhaps ``name`` and ``id``; or a text file with a key a line, after which a name may
        follow behind a tab, or behind a blank where all keys are wnids.

    Raises
    ------
    DataError
        When it cannot be read, or has no column of keys.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_json(path)
    if suffix not in {".csv", ".tsv"}:
        lines = _lines(path)
        synsets = [match.groups() for line in lines if (match := _SYNSET.fullmatch(line))]
        return synsets if len(synsets) == len(lines) else [line.split("\t") for line in lines]
    rows = _rows(path)
    key = next((column for column in rows[0] if column in _KEYS), None)
    if key is None:
        raise DataError(
            f"{path}: no column 'key'; it has {', '.join(rows[0])}.",
            f"Name the column of the class keys one of: {', '.join(_KEYS)}.",
        )
    pairs = [[row[key], row["name"]] if "name" in row else [row[key]] for row in rows]
    if "id" not in rows[0]:
        return pairs
    return {row["id"]: pair for row, pair in zip(rows, pairs, strict=True)}


def read_table(path: Path, key: str, value: str) -> dict[str, Any]:
    """Read a file that gives each of some names a value.

    Parameters
    ----------
    path
        A json object, or a csv or tsv file.
    key, value
        Columns of the csv file.

    Raises
    ------
    DataError
        When it cannot be read, lacks a column, or gives one name two values.
    """
    if path.suffix.lower() == ".json":
        table = read_json(path)
        if not isinstance(table, dict):
            raise DataError(f"{path}: not an object of names and values.")
        return table
    rows = _rows(path)
    for column in (key, value):
        if column not in rows[0]:
            raise DataError(f"{path}: no column {column!r}; it has {', '.join(rows[0])}.")
    out: dict[str, Any] = {}
    for number, row in enumerate(rows):
        if out.setdefault(row[key], row[value]) != row[value]:
            raise DataError(f"{path}: row {number}: {row[key]!r} has two values of {value!r}.")
    return out


def _rows(path: Path) -> list[dict[str, str]]:
    reader = csv.DictReader(
        _lines(path), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", restval=""
    )
    rows = [{str(name): str(one) for name, one in row.items()} for row in reader]
    if not rows:
        raise DataError(f"{path}: no rows.")
    return rows


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error
    return [line.rstrip() for line in text.splitlines() if line.strip()]
