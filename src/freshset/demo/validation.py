"""Folds of known writers say one number, unseen writers another: validation on the real digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from freshset.demo.digits import KNOWN_SHEETS, classifiers, load_digits
from freshset.protocols.folds.data import Data
from freshset.protocols.folds.kfold import kfold
from freshset.protocols.folds.learners import as_learner
from freshset.protocols.folds.result import KFoldResult
from freshset.protocols.folds.splits import Scheme
from freshset.reports.section import Section
from freshset.reports.validation import validation_section

SCHEMA = "freshset.digits-validation/1"

MODEL = "svm-rbf"
FOLDS, REPEATS = 5, 5


@dataclass(frozen=True, slots=True)
class Validation:
    """One classifier, validated twice on the digits of known writers.

    Attributes
    ----------
    shuffled
        Stratified folds, then the digits of unseen writers as the official test set.
    by_sheet
        Folds that keep the sheets of the writers together.
    """

    shuffled: KFoldResult
    by_sheet: KFoldResult

    @property
    def findings(self) -> tuple[str, ...]:
        """What the three numbers say."""
        s, g, o = self.shuffled.mean, self.by_sheet.mean, self.shuffled.official
        said = (
            f"Shuffled folds of {KNOWN_SHEETS} writers' sheets put {MODEL} at {100 * s.value:.1f} % "
            f"({100 * s.low:.1f} to {100 * s.high:.1f}); folds that keep each sheet together, at "
            f"{100 * g.value:.1f} % ({100 * g.low:.1f} to {100 * g.high:.1f})"
        )
        if o is None:
            return (f"{said}.",)
        return (
            (
                f"{said}; unseen writers, looked at once, at {100 * o.score.value:.1f} % "
                f"({100 * o.score.low:.1f} to {100 * o.score.high:.1f})."
            ),
            (
                "Repeating and correcting the folds makes the first number more certain and no less "
                "wrong: every shuffled fold is tested on writers that it was trained on. Keeping the "
                "sheets together asks the right question, as far as nine sheets can answer it."
            ),
        )

    @property
    def sections(self) -> tuple[Section, Section]:
        """Both validations as sections of a report, with what the three numbers say."""
        note = " ".join(self.findings)
        return (
            validation_section(self.shuffled, title="Digits by shuffled folds", note=note),
            validation_section(self.by_sheet, title="Digits by folds of whole sheets", note=note),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "schema": SCHEMA,
            "shuffled": self.shuffled.to_dict(),
            "by_sheet": self.by_sheet.to_dict(),
            "findings": list(self.findings),
        }


def steps() -> int:
    """Number of times that `validate` calls ``step``."""
    return 2


def validate(*, seed: int = 0, step: Callable[[str], object] = str) -> Validation:
    """Validate one classifier of the demo by folds, and open the unseen writers once at the end.

    Parameters
    ----------
    seed
        Of the shuffling.
    step
        Called with a short text after each of `steps` steps.
    """
    known, unseen = data(seed)
    learner = as_learner(classifiers(seed)[MODEL]().set_params(svc__random_state=seed), MODEL)
    scheme = Scheme("stratified", FOLDS, REPEATS, seed)
    shuffled = kfold(learner, known, scheme, official=unseen)
    step("validated by folds")
    by_sheet = kfold(learner, known, replace(scheme, kind="grouped"))
    step("validated by sheets")
    return Validation(shuffled, by_sheet)


def data(seed: int = 0) -> tuple[Data, Data]:
    """Digits of the known writers, with their sheets as groups, and those of unseen ones."""
    digits = load_digits(seed)
    known = np.sort(np.concatenate([digits.train, digits.old]))
    return (
        Data(digits.images[known], digits.labels[known], digits.sheet[known], "known writers"),
        Data(digits.images[digits.new], digits.labels[digits.new], None, "unseen writers"),
    )


def write_data(folder: Path, seed: int = 0) -> None:
    """Write both parts as ``known.npz`` and ``unseen.npz``, for the command line."""
    folder.mkdir(parents=True, exist_ok=True)
    known, unseen = data(seed)
    np.savez_compressed(folder / "known.npz", x=known.x, y=known.y, groups=np.asarray(known.groups))
    np.savez_compressed(folder / "unseen.npz", x=unseen.x, y=unseen.y)
