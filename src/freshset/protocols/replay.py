"""Replay submissions through a policy: what a leaderboard would have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.errors import DataError, UsageError
from freshset.datasets.class_files import read_classes
from freshset.datasets.labels import space_of
from freshset.protocols.policy import Answer, Policy
from freshset.protocols.sealed.submission import Labels, Public, check_submission
from freshset.stats.types import BoolArray
from freshset.store.importers.reading import LABEL_NAMES, PREDICTION_NAMES, read_columns

SCHEMA = "freshset.replay/1"


@dataclass(frozen=True, slots=True)
class Submitted:
    """One submission: what to call it, and which examples it has wrong, shape (examples,)."""

    name: str
    wrong: BoolArray


@dataclass(frozen=True, slots=True)
class Replay:
    """Answers to submissions, in order."""

    policy: str
    answers: tuple[tuple[str, Answer], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "schema": SCHEMA,
            "policy": self.policy,
            "answers": [
                {
                    "submission": name,
                    "accuracy": answer.accuracy,
                    "improved": answer.improved,
                    "remaining": answer.remaining,
                }
                for name, answer in self.answers
            ],
        }


def read_labels(path: Path, name: str = "", *, classes: str = "") -> Labels:
    """Read labels, with ids if the file has them.

    Parameters
    ----------
    classes
        What predictions may name, where not every class has an example: a number of classes from 0,
        or a file of them as of `freshset.datasets.class_files.read_classes`.

    Raises
    ------
    DataError
        When a file cannot be read, an id occurs twice, or a label is no class.
    """
    column = read_columns(path, LABEL_NAMES)[0]
    ids = None if column.ids is None else tuple(map(str, column.ids))
    names: tuple[str, ...] = ()
    if classes:
        found = int(classes) if classes.isdecimal() else read_classes(Path(classes))
        names = space_of(found, classes).keys
    return Labels.of(column.values, name=name or path.stem, ids=ids, classes=names)


def read_predictions(path: Path, public: Public) -> list[tuple[str, Any]]:
    """Read predictions and check them against what is public.

    Returns
    -------
    list of (str, Submission)
        One, or one a model when the file has a column ``model``.

    Raises
    ------
    DataError
        When the file cannot be read, or length, order or classes are wrong; names the file.
    """
    out = []
    for column in read_columns(path, PREDICTION_NAMES):
        try:
            checked = check_submission(public, column.values, column.ids)
        except DataError as error:
            raise DataError(f"{path}: {error.message}", error.hint) from error
        out.append((column.name or path.stem, checked))
    return out


def read_submitted(labels: Labels, files: Sequence[Path]) -> list[Submitted]:
    """Read submissions in the order of the files; raises as `read_predictions`."""
    truth = labels.codes
    return [
        Submitted(name, np.asarray(checked.classes != truth))
        for path in files
        for name, checked in read_predictions(path, labels.public)
    ]


def replay(
    policy: Policy, submissions: Sequence[Submitted], *, claimed: Sequence[float] = ()
) -> Replay:
    """Submit one after the other.

    Parameters
    ----------
    claimed
        Accuracy that each submission claims, fractions; for Thresholdout.

    Raises
    ------
    UsageError
        When there is not one claim a submission, or none where they are needed.
    """
    if claimed and len(claimed) != len(submissions):
        raise UsageError(
            f"{len(claimed):,} claims for {len(submissions):,} submissions.", "Give one for each."
        )
    answers = []
    for number, one in enumerate(submissions):
        said = 1 - claimed[number] if claimed else None
        answers.append((one.name, policy.submit(one.wrong, claimed=said)))
    return Replay(policy.kind, tuple(answers))
