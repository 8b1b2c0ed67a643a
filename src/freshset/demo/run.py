"""Run the demo: measure, load, compare, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from freshset.core.config import CompareSettings
from freshset.demo import digits, published, rebuilt, validation
from freshset.generalization.compare import compare
from freshset.replication.auditing.strategies_table import strategies_table
from freshset.reports.section import Section
from freshset.reports.study import Study, study_from
from freshset.reports.write import write_report
from freshset.store.parquet import ParquetStore

DIGITS_NOTE = (
    "Measured, not simulated: 25 scikit-learn classifiers trained on half of the digits of nine "
    "writers' sheets. The old test set is the other half of these sheets; the fresh one is five "
    "sheets of writers that no model has seen. The intervals treat digits as independent, although "
    "the fresh ones come from five hands only and one sheet carries much of the drop."
)

REBUILT_NOTE = (
    "Simulated: the labels come from annotators that a program plays, and nothing here was measured "
    "on people. The same 25 classifiers, on a set that was built from the digits of unseen writers: "
    "candidates, tasks with hidden controls, answers, selection frequencies, and a draw that matches "
    "the frequencies of the old test set. How images are chosen moves the result. Drawn by {sets}. "
    "The project stays in {place}."
)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo made: its studies, what folds say, and where the report and the store are."""

    studies: tuple[Study, ...]
    validation: validation.Validation
    page: Path
    store: Path


def steps() -> int:
    """Number of times that `run` calls ``step``."""
    return (
        2
        + len(digits.classifiers())
        + validation.steps()
        + 1
        + 2 * (1 + len(published.STUDIES))
        + 1
    )


def run(folder: Path, *, seed: int = 0, step: Callable[[str], object] = str) -> DemoResult:
    """Build a set, train the digit classifiers, load the published tables, compare, and report.

    Parameters
    ----------
    folder
        Gets ``store/``, ``rebuilt/`` and ``report/``.
    step
        Called with a short text after each of `steps` steps.
    """
    place = folder / "store"
    store = ParquetStore(place, create=True)
    built = rebuilt.rebuild(digits.load_digits(seed), folder / "rebuilt", seed=seed, step=step)
    more = [(one, built.rows[name]) for name, one in built.testsets.items()]
    digits.measure(store, seed=seed, step=lambda name: step(f"trained {name}"), more=more)
    validated = validation.validate(seed=seed, step=step)
    result = compare(store, digits.OLD, digits.NEW, CompareSettings(seed=seed))
    step("compared digits")
    title = "Digits of known and unseen writers"
    studies = [study_from(store, result, title=title, note=DIGITS_NOTE)]
    step("tested all pairs")
    studies.append(_rebuilt(store, built, folder, seed))
    step("compared the set with simulated labels")
    for study in published.STUDIES:
        published.load(study, store)
        step(f"loaded {study.title}")
        settings = CompareSettings(seed=seed, exclude=study.exclude)
        result = compare(store, study.old, study.new, settings)
        studies.append(study_from(store, result, title=study.title, note=study.note))
        step(f"compared {study.title}")
    sections: list[Study | Section] = [*studies, *validated.sections]
    page = write_report(sections, folder / "report", title="Does the score survive?")
    step("wrote the report")
    return DemoResult(tuple(studies), validated, page, place)


def _rebuilt(store: ParquetStore, built: rebuilt.Rebuilt, folder: Path, seed: int) -> Study:
    new = built.testsets[rebuilt.STRATEGIES[0]].id
    both = (built.old, built.candidates)
    result = compare(store, digits.OLD, new, CompareSettings(seed=seed), frequencies=both)
    sets = {name: one.id for name, one in built.testsets.items()}
    table = strategies_table(store, digits.OLD, sets, built.candidates)
    said = ", ".join(
        f"{row.strategy}: mean frequency {row.mean_frequency:.2f}, {row.top1.value:+.1f} points"
        for row in table.rows
    )
    note = REBUILT_NOTE.format(sets=said, place=folder / "rebuilt" / "project")
    return study_from(store, result, title="Digits with simulated labels", note=note)
