"""Two learners on the same folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from freshset.core.errors import UsageError
from freshset.protocols.folds.result import KFoldResult
from freshset.protocols.folds.scores import shown
from freshset.stats.crossvalidation import correlated_t_test
from freshset.stats.types import Estimate, none_if_nan

SCHEMA = "freshset.kfold-comparison/1"


@dataclass(frozen=True, slots=True)
class FoldComparison:
    """Two learners, by the corrected resampled t-test.

    Attributes
    ----------
    difference
        Mean score of the first less that of the second, in the metric's unit, with its interval.
    t, p, freedom
        Of `freshset.stats.crossvalidation.correlated_t_test`.
    """

    first: KFoldResult
    second: KFoldResult
    difference: Estimate
    t: float
    p: float
    freedom: int

    @property
    def finding(self) -> str:
        """The comparison in one sentence."""
        metric, d = self.first.metric, self.difference
        unit = " points" if shown(1, metric, change=True).endswith("points") else ""
        low, high = (shown(x, metric, change=True).removesuffix(" points") for x in (d.low, d.high))
        said = f"{shown(d.value, metric, change=True)} ({low} to {high}{unit}; p {_p(self.p)})"
        names = f"{self.first.learner} less {self.second.learner}"
        told = "beyond" if self.p < 1 - self.first.level else "within"
        return f"{names}: {said}, {told} what folds of this data set leave to chance."

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "schema": SCHEMA,
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "difference": self.difference.to_dict(),
            "t": none_if_nan(self.t),
            "p": none_if_nan(self.p),
            "freedom": self.freedom,
            "finding": self.finding,
        }


def compare_folds(first: KFoldResult, second: KFoldResult) -> FoldComparison:
    """Compare two learners that were validated on the same folds.

    Raises
    ------
    UsageError
        When data, scheme or metric differ.
    """
    one, other = ((r.digest, r.scheme, r.metric, r.level) for r in (first, second))
    if one != other:
        raise UsageError(
            "The two were validated on other folds or by another metric.",
            "Give both the same data, scheme and metric.",
        )
    test = correlated_t_test(
        first.scores, second.scores, n_train=[f.n_train for f in first.folds],
        n_test=[f.n_test for f in first.folds], level=first.level,
    )  # fmt: skip
    return FoldComparison(first, second, test.difference, test.t, test.p, test.freedom)


def _p(value: float) -> str:
    if value != value:  # noqa: PLR0124 - nan
        return "not known"
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
