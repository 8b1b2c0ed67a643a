"""Run the demo: measure, load, compare, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from freshset.core.config import CompareSettings
from freshset.demo import digits, published
from freshset.generalization.compare import compare
from freshset.reports.study import Study, study_from
from freshset.reports.write import write_report
from freshset.store.parquet import ParquetStore

DIGITS_NOTE = (
    "Measured, not simulated: 25 scikit-learn classifiers trained on half of the digits of nine "
    "writers' sheets. The old test set is the other half of these sheets; the fresh one is five "
    "sheets of writers that no model has seen. The intervals treat digits as independent, although "
    "the fresh ones come from five hands only and one sheet carries much of the drop."
)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo made: its studies, and where the report and the store are."""

    studies: tuple[Study, ...]
    page: Path
    store: Path


def steps() -> int:
    """Number of times that `run` calls ``step``."""
    return len(digits.classifiers()) + 2 * (1 + len(published.STUDIES)) + 1


def run(folder: Path, *, seed: int = 0, step: Callable[[str], object] = str) -> DemoResult:
    """Train the digit classifiers, load the published tables, compare, and write one report.

    Parameters
    ----------
    folder
        Gets ``store/`` and ``report/``.
    step
        Called with a short text after each of `steps` steps.
    """
    place = folder / "store"
    store = ParquetStore(place, create=True)
    digits.measure(store, seed=seed, step=lambda name: step(f"trained {name}"))
    result = compare(store, digits.OLD, digits.NEW, CompareSettings(seed=seed))
    step("compared digits")
    studies = [
        study_from(store, result, title="Digits of known and unseen writers", note=DIGITS_NOTE)
    ]
    step("tested all pairs")
    for study in published.STUDIES:
        published.load(study, store)
        step(f"loaded {study.title}")
        settings = CompareSettings(seed=seed, exclude=study.exclude)
        result = compare(store, study.old, study.new, settings)
        studies.append(study_from(store, result, title=study.title, note=study.note))
        step(f"compared {study.title}")
    page = write_report(studies, folder / "report", title="Does the score survive?")
    step("wrote the report")
    return DemoResult(tuple(studies), page, place)
