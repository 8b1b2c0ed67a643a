"""The test sets of a study: those of the catalogue, and those of an adapter."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from freshset.core.errors import FreshsetError
from freshset.core.identifiers import canonical_testset
from freshset.datasets.base import TestSetRef
from freshset.datasets.builtin import resolve
from freshset.datasets.registry import ADAPTERS
from freshset.engine.study_sections import BuiltinSection, TestSetSection, read_section
from freshset.engine.yaml_text import Document, Place

# The path of others may be a name on a hub, or whatever a plugin takes.
_FILES_ONLY = {
    "image-folder", "arrays", "manifest", "text", "squad", "documents", "webdataset", "torchvision",
    "voc",
}  # fmt: skip
_PATTERN = set("*?[{")


@dataclass(slots=True)
class TestSets:
    """Finds the test sets that a study names.

    Attributes
    ----------
    root
        Folder that relative paths start from.
    document
        Gets the problems.
    """

    __test__ = False

    root: Path
    document: Document
    _first: dict[str, Place] = field(default_factory=dict)
    _unusable: set[str] = field(default_factory=set)

    def read(self, entries: Sequence[object]) -> tuple[TestSetRef, ...]:
        """Return the test sets of the entries of a study file, in their order."""
        if not entries and not self.document.complained("testsets"):
            self.document.complain(("testsets",), "No test sets.", "List at least one.")
        refs = [self.ref(entry, ("testsets", i)) for i, entry in enumerate(entries)]
        return tuple(ref for ref in refs if ref is not None)

    def ref(self, entry: object, place: Place) -> TestSetRef | None:
        """Return the test set of one entry; ``None`` where it has problems."""
        if isinstance(entry, str):
            hint = f"Write '{entry}: PATH' with the file or folder of its data."
            self.document.complain(place, f"Nothing says where {entry!r} lies.", hint)
            return None
        known = TestSetSection.model_fields
        try:
            if isinstance(entry, Mapping) and len(entry) == 1 and not entry.keys() & known.keys():
                ref = self._builtin(*next(iter(entry.items())), place)
            else:
                ref = self._own(entry, place)
            if ref is not None:
                self._check(ref, place)
        except FreshsetError as error:
            self.document.complain(place, error.message, error.hint)
            return None
        return ref

    def _builtin(self, name: str, value: object, place: Place) -> TestSetRef | None:
        inner = (*place, name)
        whole = {"data": value} if isinstance(value, str) else value
        if whole is None:
            hint = f"Write '{name}: PATH' with the file or folder of its data."
            self.document.complain(inner, f"Nothing says where {name!r} lies.", hint)
            return None
        section = read_section(BuiltinSection, whole, inner, self.document)
        if section is None:
            return None
        path = full_path(section.data, self.root)
        ref = resolve(name, path, section.options(), root=self.root)
        self._check_exists(path, inner)
        return ref if section.mapping is None else replace(ref, mapping=section.mapping)

    def _own(self, entry: Any, place: Place) -> TestSetRef | None:
        section = read_section(TestSetSection, entry, place, self.document)
        if section is None:
            return None
        id = canonical_testset(section.id)
        text = self._path(section.path, section.adapter, (*place, "path"))
        options = section.options()
        return TestSetRef(id, section.adapter, text, options, section.mapping, self.root)

    def _path(self, text: str, adapter: str, place: Place) -> str:
        if "://" in text:
            return text
        path = full_path(text, self.root)
        if _PATTERN & set(text):
            return str(path)
        if adapter in _FILES_ONLY:
            self._check_exists(path, place)
        elif not path.exists():
            return text
        return str(path)

    def _check_exists(self, path: Path, place: Place) -> None:
        if not path.exists():
            hint = "Paths start at the folder of the study file."
            self.document.complain(place, f"There is no file or folder {path}.", hint)

    def _check(self, ref: TestSetRef, place: Place) -> None:
        first = self._first.setdefault(ref.id, place)
        if first != place:
            line = self.document.line(first)
            text = f"The test set {ref.id!r} occurs twice, first in line {line}."
            self.document.complain(place, text, "Name every test set once.")
        if ref.adapter not in self._unusable:
            self._unusable.add(ref.adapter)
            ADAPTERS.load(ref.adapter)
            self._unusable.remove(ref.adapter)


def full_path(text: str, root: Path) -> Path:
    """Return a path as a study file means it: ``~`` and ``$NAME`` replaced, from the file's folder."""
    return root / Path(os.path.expandvars(text)).expanduser()
