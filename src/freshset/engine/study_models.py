"""The models of a study: references, wildcards, and files that list them."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from freshset.core.errors import FreshsetError, MissingExtraError, UsageError, did_you_mean
from freshset.engine.study_sections import ModelSection, read_section
from freshset.engine.wanted import WantedModel
from freshset.engine.yaml_text import Document, Place, Problem
from freshset.models.base import Adapter
from freshset.models.reference import ModelRef
from freshset.models.registry import ADAPTERS


@dataclass(frozen=True, slots=True)
class _Named:
    """A reference as it is written, and where."""

    text: str
    name: str
    place: Place
    line: int
    section: ModelSection
    file: str = ""

    def problem(self, message: str, hint: str = "") -> Problem:
        return Problem(message, hint, self.place, self.line, self.file)


@dataclass(slots=True)
class Models:
    """Finds the models that a study names.

    Attributes
    ----------
    root
        Folder that relative paths start from.
    document
        Gets the problems.
    kind
        Keys of an entry.
    sections
        The entry that each model comes from, by the model's name, once they are read.
    """

    root: Path
    document: Document
    kind: type[ModelSection] = ModelSection
    sections: dict[str, ModelSection] = field(default_factory=dict)
    _unusable: set[str] = field(default_factory=set)

    def read(self, entries: Sequence[object]) -> tuple[WantedModel, ...]:
        """Return the models of the entries of a study file, in their order and each once.

        What a wildcard matches may be named by something else too; what is named twice may not.
        """
        found: dict[str, WantedModel] = {}
        written: dict[str, _Named] = {}
        for one in (one for i, entry in enumerate(entries) for one in self._named(entry, i)):
            ref = self._parsed(one)
            if ref is None:
                continue
            if is_pattern(one.text):
                for model in self._matches(one, ref):
                    found.setdefault(model.title, model)
                    self._note(model, one)
                continue
            model = WantedModel(ref, one.name)
            first = written.setdefault(model.title, one)
            if first is not one:
                text = f"The model {model.title!r} occurs twice, first at {_where(first)}."
                hint = "Remove one, or give one of them a name of its own."
                self.document.problems.append(one.problem(text, hint))
            found.setdefault(model.title, model)
            self._note(model, one)
        if not entries and not self.document.complained("models"):
            self.document.complain(("models",), "No models.", "List at least one.")
        return tuple(found.values())

    def _note(self, model: WantedModel, one: _Named) -> None:
        """Keep the entry; what is said of a model by its name wins over what a wildcard says."""
        if one.section is not None and (
            not is_pattern(one.text) or model.title not in self.sections
        ):
            self.sections[model.title] = one.section

    def _named(self, entry: object, index: int) -> Iterator[_Named]:
        place: Place = ("models", index)
        if isinstance(entry, dict) and len(entry) == 1 and not entry.keys() - ADAPTERS.entries():
            ((key, value),) = entry.items()
            hint = f"Write {key}:{value} without a space."
            self.document.complain(place, f"{key!r} is an adapter, not a key.", hint)
            return
        whole = {"model": entry} if isinstance(entry, str) else entry
        section = read_section(self.kind, whole, place, self.document)
        if section is None:
            return
        if not section.model.startswith("@"):
            line = self.document.line(place)
            text, name = section.model.strip(), section.name.strip()
            yield _Named(text, name, place, line, section)
        elif section.name:
            self.document.complain(place, "One name for a list of models.", "Leave it out.")
        else:
            yield from self._listed(section, place)

    def _listed(self, section: ModelSection, place: Place) -> Iterator[_Named]:
        path = self.root / section.model[1:]
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            hint = "The path of a list starts at the folder of the study file."
            self.document.complain(place, f"{path}: cannot be read ({error.strerror}).", hint)
            return
        except UnicodeDecodeError:
            self.document.complain(place, f"{path}: not UTF-8 text.")
            return
        for number, line in enumerate(lines, start=1):
            # A '#' inside a reference belongs to it, such as that of a file name.
            text = "" if line.lstrip().startswith("#") else line.partition(" #")[0].strip()
            if text:
                yield _Named(text, "", (), number, section, str(path))

    def _matches(self, one: _Named, ref: ModelRef) -> list[WantedModel]:
        if one.name:
            text = f"One name, {one.name!r}, for all models that {one.text!r} matches."
            self.document.problems.append(one.problem(text, "Leave the name out."))
            return []
        try:
            return [WantedModel(replace(ref, name=name)) for name in matching(ref, self.root)]
        except FreshsetError as error:
            self.document.problems.append(one.problem(error.message, error.hint))
            return []

    def _parsed(self, one: _Named) -> ModelRef | None:
        try:
            ref = ModelRef.parse(one.text)
            if ref.adapter in self._unusable:
                return None  # said once
            self._unusable.add(ref.adapter)
            # Names are needed now only for patterns.  A named model whose library is not installed
            # fails alone when it is planned, with the install line, and sinks no other.
            with nullcontext() if is_pattern(one.text) else suppress(MissingExtraError):
                ADAPTERS.load(ref.adapter)
            self._unusable.remove(ref.adapter)
        except FreshsetError as error:
            self.document.problems.append(one.problem(error.message, error.hint))
            return None
        return ref


def is_pattern(text: str) -> bool:
    """Whether a reference stands for all models whose name it matches."""
    name = text.partition("?")[0]  # what follows are options
    return "*" in name or ("[" in name and "]" in name)


def matching(ref: ModelRef, root: Path) -> list[str]:
    """Names that a reference with a wildcard matches: those that its adapter lists, else files.

    Raises
    ------
    UsageError
        When there is none.
    """
    adapter: Adapter = ADAPTERS.load(ref.adapter)
    names = sorted(adapter.expand(ref.name))
    # Path.glob takes no absolute patterns.
    names = names or sorted(glob.glob(ref.name, root_dir=root))  # noqa: PTH207
    if names:
        return names
    known = adapter.expand("*")
    if not known:
        raise UsageError(
            f"{ref.adapter}:{ref.name} matches no file in {root}, and the adapter lists no models."
        )
    # Compared by the words that names begin with, since a pattern is no whole name.
    heads = {re.split(r"[._-]", name)[0] for name in known}
    hint = did_you_mean(re.split(r"[._*-]", ref.name)[0], heads)
    raise UsageError(f"{ref.adapter}:{ref.name} matches no model.", hint)


def _where(one: _Named) -> str:
    return f"line {one.line} of {one.file}" if one.file else f"line {one.line}"
