"""The result of a comparison, schema ``freshset.comparison/1``.

Accuracies are fractions.  Drops (old minus new, so positive means that the new set scores lower) and
intercepts on the linear scale are percentage points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freshset.core.config import CompareSettings, Scale
from freshset.generalization.selection import Selection
from freshset.stats.types import Estimate, none_if_nan

SCHEMA = "freshset.comparison/1"


@dataclass(frozen=True, slots=True)
class Score:
    """Accuracy of one model on one set, with its Clopper-Pearson interval (fractions)."""

    n: int
    correct: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RankChange:
    """Rank on both sets (1 is best, ties share the best) and the change with its interval.

    ``change`` is old minus new: positive means that the model moved up.
    """

    old: int
    new: int
    change: int
    low: int
    high: int
    tied_old: bool
    tied_new: bool

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: its scores, its drop in percentage points (Newcombe) and its ranks."""

    model: str
    old: Score
    new: Score
    drop: Estimate
    rank: RankChange


@dataclass(frozen=True, slots=True)
class Band:
    """The fitted line and its pointwise confidence band on a grid of old accuracies.

    All four are accuracies (fractions), so they can be drawn on any axis.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """New accuracy on old accuracy on one scale.

    Attributes
    ----------
    slope, intercept
        On the scale; the intercept of the linear scale is in percentage points.
    r2
        Share of variance explained; nan when all new accuracies are equal.
    theil_sen_slope
        Slope of the robust line, which a few odd models cannot move.
    leave_one_out
        Slope without each model, in the order of the comparison's models; empty below 4 models.
    clipped
        Models whose accuracy of 0 or 1 was clipped to 1/(2n) from the end.
    """

    slope: Estimate
    intercept: Estimate
    r2: float
    theil_sen_slope: float
    leave_one_out: tuple[float, ...]
    band: Band
    clipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DropSummary:
    """Drops over all models, percentage points."""

    mean: Estimate
    min: float
    max: float
    median: float


@dataclass(frozen=True, slots=True)
class RankSummary:
    """Agreement of the two orders, and how many models changed rank."""

    spearman: float
    kendall: float
    changed: int
    changed_beyond_noise: int


@dataclass(frozen=True, slots=True)
class GapTerm:
    """One term of the gap: its value in points where it is identified, and what is known of it."""

    identified: bool
    value: Estimate | None
    note: str


@dataclass(frozen=True, slots=True)
class Gap:
    """The mean drop taken apart (Recht et al. 2019, section 2).

    ``adaptivity + distribution + generalization = total``.  One fresh set identifies the first two
    only together, unless it was drawn from the old set's own distribution.
    """

    total: Estimate
    adaptivity: GapTerm
    distribution: GapTerm
    generalization: GapTerm


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the scores survived, by the rules of the documentation's page on findings.

    Attributes
    ----------
    outcome
        ``survived``, ``dropped``, ``rose`` or ``undecided``.
    p_equivalence
        TOST p-value that the mean drop lies within the margin.
    detectable
        Smallest drop (points) that sets of these sizes show with the wanted power.
    fresh_items_needed
        Items for a drop of the margin to be detectable; infinite when the old set is too small.
    """

    outcome: str
    margin: float
    p_equivalence: float
    power: float
    detectable: float
    fresh_items_needed: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Old test set against new: everything that tables, figures and findings are made of."""

    old: str
    new: str
    models: tuple[ModelRow, ...]
    fits: Mapping[Scale, Fit]
    drop: DropSummary
    ranks: RankSummary
    gap: Gap
    verdict: Verdict
    excluded: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    settings: CompareSettings
    approximate: bool
    per_example: bool
    findings: tuple[str, ...] = ()
    touched: tuple[tuple[str, str], ...] = ()
    selection: Selection | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready values."""
        document = {
            "schema": SCHEMA,
            "old": self.old,
            "new": self.new,
            "models": [_plain(asdict(row)) for row in self.models],
            "fits": {scale: _plain(asdict(fit)) for scale, fit in self.fits.items()},
            "drop": _plain(asdict(self.drop)),
            "ranks": _plain(asdict(self.ranks)),
            "gap": _plain(asdict(self.gap)),
            "verdict": _plain(asdict(self.verdict)),
            "excluded": [{"model": model, "reason": why} for model, why in self.excluded],
            "warnings": list(self.warnings),
            "settings": self.settings.to_dict() | methods(self),
            "findings": list(self.findings),
            "touched": [{"testset": name, "reason": why} for name, why in self.touched],
        }
        if self.selection is not None:
            document["selection"] = _plain(asdict(self.selection))
        return document


def methods(comparison: Comparison) -> dict[str, Any]:
    """Say how every interval was made."""
    item = "shared item resamples" if comparison.per_example else "independent binomial draws"
    return {
        "accuracy_interval": "clopper-pearson" + (" (approximate)" * comparison.approximate),
        "drop_interval": "newcombe" + (" (approximate)" * comparison.approximate),
        "bootstrap_interval": "percentile, expanded for the number of models where these are drawn",
        "rank_interval": "percentile",
        "item_noise": item,
        "resampled": _resampled(comparison),
    }


def _resampled(comparison: Comparison) -> str:
    """What the intervals of lines and mean drop really resample, whatever was asked for."""
    if not comparison.fits:
        return "items"
    if not comparison.per_example and comparison.settings.resample != "models":
        return "models (lines), shared binomial noise (mean drop)"
    return comparison.settings.resample


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return none_if_nan(value) if isinstance(value, float) else value
