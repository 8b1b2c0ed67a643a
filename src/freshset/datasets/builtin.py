"""The catalogue: public test sets that freshset knows by name, as data files.

An entry says where its owners publish it and how it is read from where they put it; nothing is ever
downloaded here.  Checksums are those that somebody published, and each says who.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from freshset.core.classes import ClassSpace
from freshset.core.errors import UsageError, did_you_mean
from freshset.core.identifiers import canonical_testset
from freshset.core.spaces import known_space
from freshset.datasets.base import TestSetRef


@dataclass(frozen=True, slots=True)
class Download:
    """A file that a test set is published as.

    Attributes
    ----------
    url
        Where its owners offer it: the file, or the page that leads to it.
    name
        Of the file, where the address does not end in it.
    bytes
        Its size; 0 when not published.
    md5, sha256
        Its digests in hexadecimal; empty when not published.
    checked
        Who published size and digests.
    """

    url: str
    name: str = ""
    bytes: int = 0
    md5: str = ""
    sha256: str = ""
    checked: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A public test set.

    Attributes
    ----------
    id, title, n
        Canonical name, name as people write it, and number of items.
    classes
        Name of its class space; see `freshset.core.spaces`.
    adapter, options, mapping
        As in a study; ``{folder}`` in an option is the folder of the data.
    file
        What the adapter opens in that folder; empty for the folder itself.
    layout
        What the folder is, in words.
    licence, source, citation
        As its owners state them.
    note
        What one should know before using it.
    """

    id: str
    title: str
    n: int
    classes: str
    adapter: str
    layout: str
    licence: str
    source: str
    citation: str
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: str = ""
    file: str = ""
    note: str = ""
    downloads: tuple[Download, ...] = ()

    @property
    def space(self) -> ClassSpace:
        """Its classes."""
        return known_space(self.classes)


@cache
def entries() -> Mapping[str, Entry]:
    """All test sets of the catalogue by id, in alphabetical order."""
    folder = files("freshset.datasets") / "catalogue"
    tables: dict[str, dict[str, Any]] = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml"):
            tables |= tomllib.loads(file.read_text(encoding="utf-8"))
    return {id: _entry(id, tables[id]) for id in sorted(tables)}


def builtin(name: str) -> Entry:
    """Return the entry of a test set, by its id or an alias of it.

    Raises
    ------
    UsageError
        When the catalogue has none.
    """
    id, known = canonical_testset(name), entries()
    if id not in known:
        raise UsageError(f"No built-in test set {name!r}.", did_you_mean(id, known))
    return known[id]


def resolve(
    name: str,
    path: Path,
    options: Mapping[str, Any] | None = None,
    *,
    root: Path = Path(),
    offline: bool = False,
) -> TestSetRef:
    """Say how to open a test set of the catalogue.

    Parameters
    ----------
    name
        Its id, or an alias of it.
    path
        Where its data are: the folder that the entry's ``layout`` describes, or the one file in it.
    options
        Of the adapter; they win over those of the entry, and a table (``accept``) is merged with
        the entry's.  ``None`` takes an option away.
    root
        Folder from which file names in options start.

    Raises
    ------
    UsageError
        When the catalogue has no such test set.
    """
    entry = builtin(name)
    folder = path.parent if entry.file and path.name == entry.file else path
    own = {key: _filled(value, folder) for key, value in entry.options.items()}
    own |= {key: getattr(entry, key) for key in ("licence", "source", "citation")}
    merged = _merged(own | {"expected_n": entry.n}, options or {})
    return TestSetRef(
        id=entry.id,
        adapter=entry.adapter,
        path=str((folder / entry.file if entry.file else folder).absolute()),
        options=merged,
        mapping=entry.mapping,
        root=root,
        offline=offline,
    )


def _entry(id: str, table: dict[str, Any]) -> Entry:
    downloads = tuple(Download(**one) for one in table.pop("downloads", ()))
    return Entry(id=id, downloads=downloads, **table)


def _filled(value: Any, folder: Path) -> Any:
    return value.replace("{folder}", str(folder.absolute())) if isinstance(value, str) else value


def _merged(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(own)
    for key, value in given.items():
        if isinstance(out.get(key), Mapping) and value is not None:
            # A lone file name goes into the entry's table, beside what is known of the file.
            table = value if isinstance(value, Mapping) else {"file": value}
            out[key] = {**out[key], **table}
        else:
            out[key] = value
    return {key: value for key, value in out.items() if value is not None}
