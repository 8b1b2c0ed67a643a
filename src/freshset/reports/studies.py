"""From a study file and the state of its cells to what its report shows."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from freshset.core.config import CompareSettings
from freshset.core.errors import FreshsetError
from freshset.engine.status import Status
from freshset.engine.study import ComparedPair, StudyFile
from freshset.generalization.compare import compare
from freshset.reports.study import MissingResult, Study, slug_of, study_from
from freshset.store.selected import SelectedStore


def studies_of(
    study: StudyFile, status: Status, store: Path | str
) -> tuple[list[Study], list[str]]:
    """Compare every pair that a study file names, with the cells that are its own and are done.

    Parameters
    ----------
    status
        How its cells stand.
    store
        Folder of the store that they are in.

    Returns
    -------
    studies, problems
        What can be shown, and one sentence for every pair that cannot.
    """
    done = [cell.identity for cell in status.cells if cell.state == "done"]
    selected = SelectedStore(store, done)
    studies: list[Study] = []
    problems: list[str] = []
    for pair, slug in zip(study.compare, _slugs(study), strict=True):
        missing = _missing(pair, status)
        try:
            comparison = compare(selected, pair.old, pair.new, _settings(pair, status))
            made = study_from(selected, comparison, title=pair.title, slug=slug)
        except FreshsetError as error:
            problems.append(f"No report on {pair.title}: {error}")
            continue
        studies.append(replace(made, missing_results=missing))
    return studies, problems


def _slugs(study: StudyFile) -> list[str]:
    """Short names of the pairs; those that would be the same get a number."""
    out: list[str] = []
    for pair in study.compare:
        slug, number = slug_of(pair.title), 2
        while slug in out:
            slug, number = f"{slug_of(pair.title)}-{number}", number + 1
        out.append(slug)
    return out


def _settings(pair: ComparedPair, status: Status) -> CompareSettings:
    """Return the settings of a pair without patterns for models that have no result anyway."""
    done = {cell.model for cell in status.cells if cell.state == "done"}
    patterns = tuple(p for p in pair.settings.exclude if any(fnmatchcase(m, p) for m in done))
    return replace(pair.settings, exclude=patterns)


def _missing(pair: ComparedPair, status: Status) -> tuple[MissingResult, ...]:
    return tuple(
        MissingResult(cell.model, cell.testset, status.reason(cell))
        for cell in status.cells
        if cell.testset in {pair.old, pair.new}
        and cell.state not in {"done", "skipped"}
        and not any(fnmatchcase(cell.model, pattern) for pattern in pair.settings.exclude)
    )
