"""Data sets as a study file names them: built-in ones, any three test sets, and folders of images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from freshset.core.errors import FreshsetError, UsageError
from freshset.core.identifiers import canonical_testset
from freshset.datasets.base import TestSetRef
from freshset.datasets.registry import ADAPTERS
from freshset.engine.study_sections import Section, read_section
from freshset.engine.study_testsets import TestSets, full_path
from freshset.engine.yaml_text import Document, Place
from freshset.transfer.datasets.base import Division, TransferDataset
from freshset.transfer.datasets.builtin import entry_of, resolve
from freshset.transfer.probe.scores import Metric

_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


class DivisionSection(Section):
    """How one set is divided; see `Division`."""

    per_class: int = Field(0, ge=0)
    share: float = Field(0.2, gt=0, lt=1)
    seed: int = Field(0, ge=0)


class ExpectedSection(Section):
    """Sizes that the data must have."""

    train: int = Field(0, ge=0)
    validation: int = Field(0, ge=0)
    test: int = Field(0, ge=0)
    classes: int = Field(0, ge=0)


class CommonSection(Section):
    """What every data set can say."""

    id: str = ""
    title: str = ""
    metric: Metric | None = None
    division: dict[str, Any] | None = None
    expected: dict[str, Any] = Field(default_factory=dict)
    allow_sizes: bool = False
    note: str = ""


class PartsSection(CommonSection):
    """A data set by its parts, each a test set as in a study file."""

    id: str
    train: dict[str, Any]
    validation: dict[str, Any] | None = None
    test: dict[str, Any] | None = None


class BuiltinSection(CommonSection, extra="allow"):
    """A data set that is known by name; keys beyond these are options of its adapter."""

    data: str
    path: str = ""
    train: dict[str, Any] | None = None
    validation: dict[str, Any] | None = None
    test: dict[str, Any] | None = None


class FolderSection(CommonSection, extra="allow"):
    """A folder of images; keys beyond these are options of the adapter ``image-folder``."""

    path: str


@dataclass(slots=True)
class TransferDatasets:
    """Finds the data sets that a study names.

    Attributes
    ----------
    root
        Folder that relative paths start from.
    document
        Gets the problems.
    """

    root: Path
    document: Document
    _testsets: TestSets = field(init=False)

    def __post_init__(self) -> None:
        self._testsets = TestSets(self.root, self.document)

    def read(self, entries: Sequence[object], place: Place) -> tuple[TransferDataset, ...]:
        """Return the data sets of the entries of a list, in their order."""
        found: dict[str, TransferDataset] = {}
        first: dict[str, int] = {}
        for number, entry in enumerate(entries):
            inner = (*place, number)
            dataset = self.declared(entry, inner)
            if dataset is None:
                continue
            if dataset.id in found:
                line = self.document.line((*place, first[dataset.id]))
                text = f"The data set {dataset.id!r} occurs twice, first in line {line}."
                self.document.complain(inner, text, "Name every data set once.")
                continue
            found[dataset.id], first[dataset.id] = dataset, number
        return tuple(found.values())

    def declared(self, entry: object, place: Place) -> TransferDataset | None:
        """Return the data set of one entry; ``None`` where it has problems."""
        before = len(self.document.problems)
        try:
            made = self._made(entry, place)
        except FreshsetError as error:
            self.document.complain(place, error.message, error.hint)
            return None
        return made if len(self.document.problems) == before else None

    def _made(self, entry: object, place: Place) -> TransferDataset | None:
        if isinstance(entry, str):
            return self._folder({"path": entry}, place)
        if not isinstance(entry, Mapping):
            hint = "Write {data: NAME, path: FOLDER}, {path: FOLDER}, or {id: NAME, train: {...}}."
            self.document.complain(place, "Not a data set.", hint)
            return None
        if "data" in entry:
            return self._builtin(entry, place)
        return self._own(entry, place) if "train" in entry else self._folder(entry, place)

    def _builtin(self, entry: Mapping[str, Any], place: Place) -> TransferDataset | None:
        section = read_section(BuiltinSection, entry, place, self.document)
        if section is None:
            return None
        parts = self._parts(section, f"{section.data}-own", place)
        if parts is None:
            return None
        folder = full_path(section.path, self.root) if section.path else None
        ADAPTERS.load(entry_of(section.data).adapter)
        made = resolve(section.data, folder, section.options(), parts=parts, root=self.root)
        if section.id:
            made = replace(made, id=canonical_testset(section.id))
        return self._with_rest(made, section, place)

    def _folder(self, entry: Mapping[str, Any], place: Place) -> TransferDataset | None:
        section = read_section(FolderSection, entry, place, self.document)
        if section is None:
            return None
        path, options = full_path(section.path, self.root), section.options()
        made = folder_dataset(path, id=section.id, options=options, root=self.root)
        return self._with_rest(made, section, place)

    def _own(self, entry: Mapping[str, Any], place: Place) -> TransferDataset | None:
        section = read_section(PartsSection, entry, place, self.document)
        if section is None:
            return None
        id = canonical_testset(section.id)
        parts = self._parts(section, id, place)
        if parts is None or "train" not in parts:
            return None
        return self._with_rest(_dataset(id, parts), section, place)

    def _parts(
        self, section: BuiltinSection | PartsSection, id: str, place: Place
    ) -> dict[str, TestSetRef] | None:
        """The parts that a section gives by themselves; ``None`` where one has problems."""
        given = {name: getattr(section, name) for name in _NAMES}
        refs = {
            name: self._part(id, name, value, place)
            for name, value in given.items()
            if value is not None
        }
        usable = {name: ref for name, ref in refs.items() if ref is not None}
        return usable if len(usable) == len(refs) else None

    def _part(self, id: str, name: str, value: dict[str, Any], place: Place) -> TestSetRef | None:
        if "path" in value:
            value = {"id": f"{id}/{name}", "adapter": "image-folder", **value}
        return self._testsets.ref(value, (*place, name))

    def _with_rest(
        self, made: TransferDataset, section: CommonSection, place: Place
    ) -> TransferDataset:
        """The data set with what its entry says of it beyond where it is."""
        changes: dict[str, Any] = {"allow_sizes": section.allow_sizes}
        changes |= {key: getattr(section, key) for key in ("title", "metric", "note")}
        changes = {key: value for key, value in changes.items() if value}
        expected = read_section(
            ExpectedSection, section.expected, (*place, "expected"), self.document
        )
        if expected is not None and expected.given():
            changes["expected"] = {**made.expected, **expected.given()}
        if section.division is not None:
            division = read_section(
                DivisionSection, section.division, (*place, "division"), self.document
            )
            if made.division is None:
                raise UsageError(
                    f"{made.title} has a test set, so nothing is to be divided.",
                    "Leave out 'division'.",
                )
            if division is not None:
                changes["division"] = replace(made.division, **division.given())
        return replace(made, **changes)


def folder_dataset(
    path: Path, *, id: str = "", options: Mapping[str, Any] | None = None, root: Path = Path()
) -> TransferDataset:
    """Return the data set that a folder of images is.

    Parameters
    ----------
    path
        Folder of the class folders, or of the folders ``train``, ``val`` and ``test`` that hold
        them.  Without ``test`` a test set is held out, as `Division` says; without ``val`` the
        validation set is.
    id
        Canonical name; by default that of the folder.
    options
        Of the adapter ``image-folder``.
    root
        Folder that file names in options start from.

    Raises
    ------
    UsageError
        When there is no such folder, or nothing to train on in it.
    """
    if not path.is_dir():
        raise UsageError(f"There is no folder {path}.", "Give the folder that holds the images.")
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", path.absolute().name).strip("-.+_")
    id = canonical_testset(id or name or "images")
    # A folder of images can be a class that is called 'train'; one of folders is a part.
    below = {
        entry.name.lower(): entry
        for entry in path.iterdir()
        if entry.is_dir() and any(inner.is_dir() for inner in entry.iterdir())
    }
    folders = {
        part: below[name] for part, names in _NAMES.items() for name in names if name in below
    }
    if not folders:
        folders = {"train": path}
    elif "train" not in folders:
        raise UsageError(
            f"{path} has {' and '.join(one.name for one in folders.values())}, but no 'train'.",
            "Give the folder that holds the training images too.",
        )
    refs = {
        part: TestSetRef(
            f"{id}/{part}",
            "image-folder",
            str(folder.absolute()),
            _numbers_as_names(folder, options or {}),
            root=root,
        )
        for part, folder in folders.items()
    }
    return _dataset(id, refs)


def _numbers_as_names(folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options in which folders that are called by numbers are classes of those names.

    The order of classes decides nothing here, since no network's own classes are compared with them.
    """
    names = sorted(one.name for one in folder.iterdir() if one.is_dir() and one.name[0] != ".")
    known = {"classes", "folders", "nested"} & options.keys()
    if known or not any(name.isdigit() for name in names):
        return dict(options)
    return {"classes": names, **options}


def _dataset(id: str, refs: Mapping[str, TestSetRef]) -> TransferDataset:
    """A data set of its parts; without a test set one is held out of the training set."""
    train, test = refs["train"], refs.get("test")
    division = Division() if test is None else None
    return TransferDataset(
        id, id, "top1", train, test or train, refs.get("validation"), division=division
    )
