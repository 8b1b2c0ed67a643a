"""A known answer: a model that is known to work must be right more often than chance.

When it is not, labels and outputs most likely have different orders.  Where that is so, renaming the
classes makes the model right: a renaming is looked for on one half of the items, and tried on the
other, since the best of many renamings fits its own items whatever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from freshset.core.errors import DataError
from freshset.core.issues import Issue
from freshset.core.records import Labels, label_ranks
from freshset.datasets.base import Reader, TestSetRef
from freshset.engine.backends.local import LocalBackend
from freshset.engine.job import Broken, Job, JobModel
from freshset.engine.limited import some
from freshset.engine.pairing import class_mapping
from freshset.engine.scoring import Scorer
from freshset.engine.wanted import Wanted
from freshset.models.base import ModelInfo
from freshset.stats.intervals import clopper_pearson

# Two-sided, so that one test set in a thousand looks wrong by accident.
_LEVEL = 0.998
_OF_A_CLASS = 20
_FEWEST_CLASSES = 10
_MUCH = 0.1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """A model on a sample of a test set.

    Attributes
    ----------
    n, correct
        Items, and how many the model is right on.
    chance
        Share of the most frequent class in the sample: what always saying that class gives.
    held_out
        Items of the second half, on which renamed classes are tried.
    as_they_are, renamed
        Right answers on those, by the class order as it is and by the best renaming.
    pairs
        Classes whose renaming says most: the label, and what the model says.
    """

    model: str
    testset: str
    n: int
    correct: int
    chance: float
    held_out: int = 0
    as_they_are: int = 0
    renamed: int = 0
    pairs: tuple[tuple[str, str], ...] = ()

    def issues(self) -> list[Issue]:
        """Say what is suspicious."""
        right = f"{self.model} is right on {self.correct:,} of {self.n:,} items"
        if self.held_out:
            low = clopper_pearson(self.renamed, self.held_out, level=_LEVEL).low
            high = clopper_pearson(self.as_they_are, self.held_out, level=_LEVEL).high
            gain = (self.renamed - self.as_they_are) / self.held_out
            if low > high and gain > _MUCH:
                pairs = "; ".join(f"{says!r} for {label!r}" for label, says in self.pairs)
                text = (
                    f"class order? {right}; of {self.held_out:,} others {self.as_they_are:,} as "
                    f"they are, and {self.renamed:,} when the classes are renamed ({pairs}). Name "
                    "the classes of the test set and of the model."
                )
                return [Issue("probe", "fault", self.testset, (self.model,), text)]
        if clopper_pearson(self.correct, self.n, level=_LEVEL).low <= self.chance:
            text = (
                f"class order? {right}, which is not clearly above chance "
                f"({100 * self.chance:.1f} %). Check labels, class order and preprocessing, or "
                "probe with a model that is known to work."
            )
            return [Issue("probe", "warning", self.testset, (self.model,), text)]
        return []


def probe(
    name: str, info: ModelInfo, reader: Reader, ref: TestSetRef, wanted: Wanted, items: int
) -> Probe:
    """Run a model on a sample of a test set.

    Parameters
    ----------
    items
        Size of the sample, about; see `sample_rows`.

    Raises
    ------
    DataError
        When the model cannot be run.
    """
    rows = sample_rows(reader.testset.known_labels, items)
    part = some(reader, rows, reader.testset.id)
    pred = _predictions(name, info, part, ref, wanted)
    testset = part.testset
    ranks = label_ranks(pred[:, None], testset.known_labels, testset.accepted)
    counts = np.bincount(testset.known_labels)
    made = Probe(
        name, testset.id, testset.n, int((ranks == 1).sum()), float(counts.max() / testset.n)
    )
    names = testset.class_names or tuple(map(str, range(testset.n_classes)))
    return _renamed(made, testset.known_labels, pred, names)


def sample_rows(labels: Labels, items: int) -> list[int]:
    """Return rows of classes that are spread over all, with equally many items a class.

    Some 20 items tell what a model says to a class, so of many classes only some are looked at.
    """
    classes = np.unique(labels)
    wanted = max(_FEWEST_CLASSES, items // _OF_A_CLASS)
    if len(classes) > wanted:
        classes = classes[np.linspace(0, len(classes) - 1, wanted).round().astype(int)]
    each = max(1, items // len(classes))
    rows = [np.flatnonzero(labels == c) for c in classes]
    chosen = [r[np.linspace(0, len(r) - 1, min(each, len(r))).round().astype(int)] for r in rows]
    return [int(row) for row in np.unique(np.concatenate(chosen))]


def _predictions(
    name: str, info: ModelInfo, part: Reader, ref: TestSetRef, wanted: Wanted
) -> npt.NDArray[np.int32]:
    mapping = class_mapping(name, info, part, ref)
    scorer = Scorer(name, part.testset, info.outputs, mapping, 1, save_scores=False)
    settings = wanted.settings
    model = JobModel(name, info, scorer)
    size = settings.batch_size
    job = Job(part, (model,), wanted.runtime, info.preprocessing, size, size)
    found: list[npt.NDArray[np.int32]] = []
    for outcome in LocalBackend(settings).run(job):
        if isinstance(outcome, Broken):
            raise DataError(outcome.error, outcome.hint)
        found.append(outcome.columns["topk_id"][:, 0])
    return np.concatenate(found)


def _renamed(
    made: Probe, labels: Labels, pred: npt.NDArray[np.int32], names: tuple[str, ...]
) -> Probe:
    """Look for a renaming on every other item of each class, and try it on the others."""
    place = np.zeros(len(labels), dtype=np.intp)
    for c in np.unique(labels):
        of_class = labels == c
        place[of_class] = np.arange(of_class.sum())
    seen = place % 2 == 0
    if seen.all():
        return made
    classes, row = np.unique(labels, return_inverse=True)
    said, column = np.unique(pred, return_inverse=True)
    table = np.zeros((len(classes), len(said)), dtype=np.int64)
    np.add.at(table, (row[seen], column[seen]), 1)
    best = np.full(len(classes), -1)
    at, to = linear_sum_assignment(table, maximize=True)
    best[at] = to
    hits = (best[row] == column) & ~seen
    counts = np.bincount(row[hits], minlength=len(classes))
    moved = [i for i in np.argsort(-counts, kind="stable") if said[best[i]] != classes[i]]
    pairs = [(names[classes[i]], names[said[best[i]]]) for i in moved if counts[i]]
    return Probe(
        made.model,
        made.testset,
        made.n,
        made.correct,
        made.chance,
        held_out=int((~seen).sum()),
        as_they_are=int(((pred == labels) & ~seen).sum()),
        renamed=int(hits.sum()),
        pairs=tuple(pairs[:_SHOWN]),
    )
