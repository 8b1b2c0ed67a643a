"""The study file: which models, on which test sets, how, and what to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from freshset.core.config import CompareSettings, RunSettings
from freshset.core.errors import FreshsetError, UsageError, did_you_mean
from freshset.core.identifiers import canonical_testset, testset_title
from freshset.datasets.base import TestSetRef
from freshset.engine.study_models import Models
from freshset.engine.study_sections import (
    CompareSection,
    PairSection,
    RunSection,
    StudySection,
    read_section,
)
from freshset.engine.study_testsets import TestSets, full_path
from freshset.engine.wanted import Wanted, WantedModel, run_settings
from freshset.engine.yaml_text import Document, Place, from_file


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Two test sets of a study that its report compares.

    Attributes
    ----------
    old, new
        Canonical ids.
    title
        Heading; made of the titles of the test sets where the file has none.
    """

    old: str
    new: str
    title: str
    settings: CompareSettings = field(default_factory=CompareSettings)


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study file that was read and found right.

    Attributes
    ----------
    path
        Of the file, absolute; paths in it start at its folder.
    title
        Its title, or the file's name.
    store
        Folder of the store, absolute.
    models, testsets
        In the order of the file, wildcards and lists replaced by what they stand for.
    run
        Settings that the file has; see `freshset.core.config.RunSettings`.
    compare
        What the report compares.
    report
        Folder of the report; ``None`` for no report.
    """

    path: Path
    title: str
    store: Path
    models: tuple[WantedModel, ...]
    testsets: tuple[TestSetRef, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    compare: tuple[ComparedPair, ...] = ()
    report: Path | None = None

    def wanted(self, overrides: Mapping[str, Any] | None = None) -> Wanted:
        """Return what the study asks for.

        Parameters
        ----------
        overrides
            Settings that win over those of the file.

        Raises
        ------
        UsageError
            For a setting that does not exist, or a value that it cannot have.
        """
        settings = run_settings({**self.run, **(overrides or {})})
        testsets = tuple(replace(ref, offline=settings.offline) for ref in self.testsets)
        return Wanted(self.models, testsets, settings, self.path.parent)


def load_study(path: Path | str) -> StudyFile:
    """Read a study file.

    Raises
    ------
    UsageError
        When anything in it is wrong: one message with all that is, each with line and place.
    DataError
        When the file cannot be read.
    """
    return from_file(path, _study)


def _study(document: Document, path: Path) -> StudyFile | None:
    if document.value is None:
        document.complain((), "The file is empty.", "A study has at least models and testsets.")
        return None
    section = read_section(StudySection, document.value, (), document)
    if section is None:
        return None
    root = path.parent
    models = Models(root, document).read(section.models)
    testsets = TestSets(root, document).read(section.testsets)
    return StudyFile(
        path=path,
        title=section.title or path.stem,
        store=full_path(section.store, root),
        models=models,
        testsets=testsets,
        run=run_section(section.run, document),
        compare=_pairs(section.compare, testsets, models, document),
        report=None if section.report is None else full_path(section.report, root),
    )


def run_section(value: dict[str, Any], document: Document) -> dict[str, Any]:
    """Return the settings of a study file's key ``run``; what is wrong with them is complained of."""
    section = read_section(RunSection, value, ("run",), document)
    given = {} if section is None else section.given()
    try:
        RunSettings(**given)
    except UsageError as error:
        document.complain(("run",), error.message, error.hint)
    return given


def _pairs(
    entries: list[Any],
    testsets: tuple[TestSetRef, ...],
    models: tuple[WantedModel, ...],
    document: Document,
) -> tuple[ComparedPair, ...]:
    names = [model.title for model in models]
    ids = {ref.id for ref in testsets}
    pairs: list[ComparedPair] = []
    for i, entry in enumerate(entries):
        place: Place = ("compare", i)
        section = read_section(CompareSection, entry, place, document)
        if section is None:
            continue
        try:
            pair = _pair(section)
        except FreshsetError as error:
            document.complain(place, error.message, error.hint)
            continue
        for name, id in (("old", pair.old), ("new", pair.new)):
            if id not in ids:
                text = f"{id!r} is not among the test sets of the study."
                document.complain((*place, name), text, did_you_mean(id, ids))
        for pattern in pair.settings.exclude:
            hit = any(fnmatchcase(name, pattern) for name in names)
            if not hit and not document.complained("models"):
                text = f"{pattern!r} matches no model of the study."
                document.complain((*place, "exclude"), text, did_you_mean(pattern, names))
        if pair.old == pair.new:
            document.complain(place, f"Old and new are both {pair.old!r}.", "Name two test sets.")
        pairs.append(pair)
    return tuple(pairs)


def _pair(section: PairSection) -> ComparedPair:
    given = section.given()
    own = {name: given.pop(name) for name in ("old", "new", "title") if name in given}
    old, new = canonical_testset(own["old"]), canonical_testset(own["new"])
    title = own.get("title") or f"{testset_title(old)} and {testset_title(new)}"
    return ComparedPair(old, new, title, CompareSettings(**given))
