"""Tables that say which classes of a model stand for which classes of a test set."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast, get_args

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, did_you_mean
from freshset.core.files import read_json

TableHow = Literal["restrict", "max", "mean", "sum"]
_COLUMNS = ("source", "target", "how")


@dataclass(frozen=True, slots=True)
class MappingTable:
    """A mapping by class keys, before it meets the class space of a model.

    Attributes
    ----------
    name
        Of the file, without its suffix.
    how
        How several source classes are put together; see `freshset.datasets.mappings`.
    members
        Source keys by target key.
    where
        What to call it in messages.
    title, source
        What it is, and where its facts come from.
    """

    name: str
    how: TableHow
    members: Mapping[str, tuple[str, ...]]
    where: str
    title: str = ""
    source: str = ""

    def fits(self, source: ClassSpace, target: ClassSpace) -> bool:
        """Whether it maps one class space to the other."""
        return set(self.members) == set(target.keys) and all(
            key in source for keys in self.members.values() for key in keys
        )


@cache
def shipped_tables() -> dict[str, MappingTable]:
    """The mappings that come with freshset, by name."""
    folder = files("freshset.datasets") / "mapping_data"
    found = sorted(
        (f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda file: file.name
    )
    return {
        name: _from_dict(tomllib.loads(file.read_text(encoding="utf-8")), name, name)
        for file in found
        for name in [file.name.removesuffix(".toml")]
    }


def load_table(path: Path) -> MappingTable:
    """Read a table of one's own.

    Parameters
    ----------
    path
        A csv with a row a source class and the columns ``source``, ``target`` and, where a class has
        several sources, ``how``; or toml or json with ``how`` and, under ``classes``, the source
        keys by target key.

    Raises
    ------
    DataError
        When the file is not such a table; names the file and, of a csv, the line.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        return _from_csv(path)
    if kind == ".json":
        return _from_dict(read_json(path), path.stem, str(path))
    if kind != ".toml":
        raise DataError(f"{path}: not a mapping table.", "Use a toml, json or csv file.")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: not readable as toml ({error}).") from error
    return _from_dict(data, path.stem, str(path))


def _from_dict(data: Any, name: str, where: str) -> MappingTable:
    if not isinstance(data, dict) or not isinstance(data.get("classes"), dict):
        raise DataError(
            f"{where}: no 'classes' with the source keys of every class.",
            'Write for example {"how": "max", "classes": {"dog": ["n02085620", "n02085782"]}}.',
        )
    members = {}
    for target, sources in data["classes"].items():
        listed = [sources] if isinstance(sources, str) else sources
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise DataError(f"{where}: {target!r}: not a list of source keys.")
        members[target] = tuple(listed)
    how = _how([data["how"]] if "how" in data else [], members, where)
    said = {key: str(data.get(key, "")) for key in ("title", "source")}
    return MappingTable(name, how, members, where, **said)


def _from_csv(path: Path) -> MappingTable:
    members: dict[str, tuple[str, ...]] = {}
    ways: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)
            names = [name.strip() for name in rows.fieldnames or ()]
            if not {"source", "target"} <= set(names) <= set(_COLUMNS):
                raise DataError(
                    f"{path}: columns {', '.join(names)}.", f"Use {', '.join(_COLUMNS)}."
                )
            for row in rows:
                source, target = (str(row[c] or "").strip() for c in ("source", "target"))
                if not source or not target or None in row:
                    raise DataError(f"{path}: line {rows.line_num}: not a source and a target.")
                members[target] = (*members.get(target, ()), source)
                ways.extend([row["how"].strip()] if row.get("how") else [])
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: not readable as csv ({error}).") from error
    return MappingTable(path.stem, _how(ways, members, str(path)), members, str(path))


def _how(ways: Iterable[str], members: Mapping[str, tuple[str, ...]], where: str) -> TableHow:
    known = get_args(TableHow)
    said = sorted(set(ways))
    for way in said:
        if way not in known:
            raise DataError(
                f"{where}: no way {way!r} to put classes together.", did_you_mean(way, known)
            )
    if len(said) > 1:
        raise DataError(f"{where}: both {said[0]} and {said[1]}.", "Use one way for all classes.")
    if not members:
        raise DataError(f"{where}: no classes.")
    if not said and any(len(keys) > 1 for keys in members.values()):
        raise DataError(
            f"{where}: a class with several source classes, and no word on how to put them together.",
            "Add how: max, mean or sum.",
        )
    return cast("TableHow", said[0] if said else "restrict")
