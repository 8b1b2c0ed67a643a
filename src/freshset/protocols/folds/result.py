"""What a validation by folds says, and what it cannot say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from freshset.protocols.folds.scores import NO_PERCENT, shown
from freshset.protocols.folds.splits import Scheme
from freshset.stats.types import Estimate

SCHEMA = "freshset.kfold/1"


@dataclass(frozen=True, slots=True)
class FoldScore:
    """Score of one fold: repeat and fold from 0, and how many examples it had."""

    repeat: int
    fold: int
    n_train: int
    n_test: int
    score: float


@dataclass(frozen=True, slots=True)
class Official:
    """The official test set, opened once after the last fold.

    Attributes
    ----------
    score
        Of the learner trained on all examples that the folds were cut from.
    gap
        Mean over the folds less this score, in its unit, with an interval from both intervals.
    before
        Whether it had been opened by an earlier run of the same validation, whose predictions these
        are.
    openings
        How often the store knows it to have been opened, for this learner and others; 1 without one.
    """

    name: str
    n: int
    score: Estimate
    gap: Estimate
    before: bool
    openings: int = 1


@dataclass(frozen=True, slots=True)
class KFoldResult:
    """A validation by folds.

    Attributes
    ----------
    mean
        Mean score over all folds with the corrected interval of Nadeau and Bengio.
    naive
        The same mean with Student's interval, as if folds were independent: too short.
    repeat_means
        Mean of each repeat.
    official
        The official test set, if there was one.
    warnings
        What may be wrong with the numbers.
    digest
        Of examples, labels and groups.
    """

    learner: str
    data: str
    n: int
    scheme: Scheme
    metric: str
    level: float
    folds: tuple[FoldScore, ...]
    mean: Estimate
    naive: Estimate
    repeat_means: tuple[float, ...]
    official: Official | None = None
    warnings: tuple[str, ...] = ()
    digest: str = ""

    @property
    def scores(self) -> tuple[float, ...]:
        """Score of every fold, repeat by repeat."""
        return tuple(fold.score for fold in self.folds)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the numbers say, and what they cannot, in sentences."""
        return tuple(text for text in (_folds(self), _official(self), blind_spot(self)) if text)

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        official = self.official
        return {
            "schema": SCHEMA,
            "learner": self.learner,
            "data": self.data,
            "digest": self.digest,
            "n": self.n,
            "scheme": self.scheme.to_dict(),
            "metric": self.metric,
            "level": self.level,
            "folds": [asdict(fold) for fold in self.folds],
            "mean": self.mean.to_dict(),
            "naive": self.naive.to_dict(),
            "repeat_means": list(self.repeat_means),
            "official": None if official is None else _official_dict(official),
            "warnings": list(self.warnings),
            "findings": list(self.findings),
        }


def gap_between(mean: Estimate, official: Estimate) -> Estimate:
    """Difference of two independent estimates, with an interval from the limits of both.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873, method 10: the same combination of limits.
    """
    value = mean.value - official.value
    low = value - np.hypot(mean.value - mean.low, official.high - official.value)
    high = value + np.hypot(mean.high - mean.value, official.value - official.low)
    return Estimate(value, float(low), float(high))


def _official_dict(official: Official) -> dict[str, Any]:
    return {
        "name": official.name,
        "n": official.n,
        "score": official.score.to_dict(),
        "gap": official.gap.to_dict(),
        "before": official.before,
        "openings": official.openings,
    }


def _span(estimate: Estimate, metric: str, *, change: bool = False) -> str:
    low, high = (shown(x, metric, change=change) for x in (estimate.low, estimate.high))
    for unit in (" %", " points"):
        low = low.removesuffix(unit)
    return f"{low} to {high}"


def _folds(r: KFoldResult) -> str:
    cut = f"{r.scheme.folds} folds"
    if r.scheme.repeats > 1:
        cut = f"{r.scheme.repeats} x {cut}"
    text = (
        f"Over {cut} of {r.n:,} examples the mean {r.metric} is {shown(r.mean.value, r.metric)} "
        f"({100 * r.level:g} % interval {_span(r.mean, r.metric)}, corrected for training sets that "
        "overlap)."
    )
    wide, short = r.mean.high - r.mean.low, r.naive.high - r.naive.low
    if short > 0:
        text += (
            f" Taken as independent, the {len(r.folds)} scores would give "
            f"{_span(r.naive, r.metric)}, {wide / short:.1f} times too short."
        )
    return text


def _official(r: KFoldResult) -> str:
    if r.official is None:
        return ""
    o = r.official
    when = "opened by an earlier run of this validation" if o.before else "opened once, at the end"
    worse = o.gap.value < 0 if "error" in r.metric else o.gap.value > 0
    text = (
        f"The official set {o.name} ({o.n:,} examples, {when}) says {shown(o.score.value, r.metric)} "
        f"({_span(o.score, r.metric)}), a change of {shown(-o.gap.value, r.metric, change=True)} from "
        "the folds"
    )
    if o.gap.excludes_zero:
        side = "worse" if worse else "better"
        text += (
            f": {side}, beyond both intervals ({_span(o.gap, r.metric, change=True)} folds less "
            "official). The folds could not have shown this."
        )
    else:
        text += ", which both intervals together allow to be none."
    if o.openings > 1:
        text += (
            f" This store knows of {o.openings:,} openings of this set: if a learner is chosen by "
            "them, its score is too good."
        )
    return text


def blind_spot(r: KFoldResult) -> str:
    """Say, with numbers, what folds of one data set cannot see."""
    half = (r.mean.high - r.mean.low) / 2
    unit = "" if r.metric in NO_PERCENT else ", however narrow,"
    return (
        f"Folds of one data set cannot see a distribution gap. The interval of "
        f"{shown(half, r.metric, change=True)} either way{unit} is about other draws of {r.data}; it "
        "says nothing of data that come from elsewhere. Folds of CIFAR-10 put one network (VGG-15) at "
        "93.5 to 94.0 %; a fresh set made by the same recipe put it at 84.9 %."
    )
