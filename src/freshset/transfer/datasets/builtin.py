"""The twelve data sets of Kornblith, Shlens and Le (2019), as data files.

An entry says how its parts are read from where its owners, or torchvision, put them, and what sizes
they must have; nothing is downloaded unless the option ``download`` of torchvision asks for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from freshset.core.errors import UsageError, did_you_mean
from freshset.datasets.base import TestSetRef
from freshset.transfer.datasets.base import Division, TransferDataset
from freshset.transfer.probe.scores import Metric


@dataclass(frozen=True, slots=True)
class Entry:
    """A data set that is known by name.

    Attributes
    ----------
    id, title, metric, note
        As of `TransferDataset`.
    adapter, options
        As in a study, for all parts; ``{folder}`` in an option is the folder of the data.
    train, validation, test
        Further options of each part; ``None`` for a part that it has not.
    division
        Where it has no test set: how one is divided from the training set.
    layout, below
        What the folder is, in words, and what the adapter opens in it.
    expected, sizes
        Sizes that the parts must have, and who published them.
    licence, source, citation
        As its owners state them.
    """

    id: str
    title: str
    metric: Metric
    adapter: str
    layout: str
    expected: Mapping[str, int]
    sizes: str
    licence: str
    source: str
    citation: str
    below: str = ""
    note: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    validation: Mapping[str, Any] | None = None
    test: Mapping[str, Any] | None = None
    division: Mapping[str, int] | None = None


@cache
def entries() -> Mapping[str, Entry]:
    """All data sets by id, in alphabetical order."""
    folder = files("freshset.transfer.datasets") / "catalogue"
    found = {
        file.name.removesuffix(".toml"): file
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    return {
        id: Entry(id=id, **tomllib.loads(found[id].read_text(encoding="utf-8")))
        for id in sorted(found)
    }


def entry_of(name: str) -> Entry:
    """Return the entry of a data set.

    Raises
    ------
    UsageError
        When there is none of that name.
    """
    known = entries()
    if name not in known:
        raise UsageError(f"No built-in data set {name!r}.", did_you_mean(name, known))
    return known[name]


def resolve(
    name: str,
    folder: Path | None,
    options: Mapping[str, Any] | None = None,
    *,
    parts: Mapping[str, TestSetRef] | None = None,
    root: Path = Path(),
) -> TransferDataset:
    """Return a data set that is known by name.

    Parameters
    ----------
    name
        Of the data set.
    folder
        Where its data are, as the entry's ``layout`` says; ``None`` where ``parts`` has all of them.
    options
        Of the adapter, for all parts; they win over those of the entry.
    parts
        Parts that are elsewhere, by name.
    root
        Folder that file names in options start from.

    Raises
    ------
    UsageError
        When there is no such data set or folder.
    """
    entry, given = entry_of(name), dict(parts or {})
    mine = {key: getattr(entry, key) for key in ("train", "validation", "test")}
    wanted = {key: more for key, more in mine.items() if more is not None and key not in given}
    if wanted and folder is None:
        raise UsageError(
            f"Nothing says where the {' and '.join(wanted)} images of {name} are.",
            f"Give 'path': {entry.layout}.",
        )
    if wanted and folder is not None:
        opened = (folder / entry.below).absolute()
        if not opened.is_dir():
            raise UsageError(
                f"{entry.title}: there is no folder {opened}.", f"Give 'path': {entry.layout}."
            )
        for key, more in wanted.items():
            merged = {**entry.options, **more, **(options or {})}
            filled = {option: _filled(value, folder) for option, value in merged.items()}
            id = f"{name}/{key}"
            given[key] = TestSetRef(id, entry.adapter, str(opened), filled, root=root)
    division = Division(**(entry.division or {})) if "test" not in given else None
    return TransferDataset(
        entry.id,
        entry.title,
        entry.metric,
        given["train"],
        given.get("test", given["train"]),
        given.get("validation"),
        expected=entry.expected,
        note=entry.note,
        division=division,
    )


def _filled(value: Any, folder: Path) -> Any:
    return value.replace("{folder}", str(folder.absolute())) if isinstance(value, str) else value
