"""What selecting items on noisy selection frequencies does to a comparison.

Percentage points throughout, old minus new, but for frequencies, which are fractions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from freshset.core.config import CompareSettings
from freshset.core.errors import DataError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.core.matched import item_names, matched
from freshset.core.records import TestSet
from freshset.generalization.scores import Scores
from freshset.stats.corrections import ESTIMATORS, BiasOptions
from freshset.stats.matching import Judged
from freshset.stats.null_gap import null_test, tilt_towards
from freshset.stats.selection_bias import Gaps, SelectionBias, answers_needed, selection_bias
from freshset.stats.types import BoolArray, Estimate
from freshset.store.base import Store

ESTIMATOR_NAMES = {
    "raw": "Raw",
    "naive": "Matched on observed frequencies",
    "jackknife": "Jackknife over answers",
    "beta_binomial": "Beta-Binomial",
}
# The bias of an estimator shows long before a mixture has settled in its last digits.
_NULLS, _NULL_OPTIONS = 20, BiasOptions(starts=2, rounds=300)


@dataclass(frozen=True, slots=True)
class GapEstimate:
    """The gap by one estimator: mean over models, its standard error, and that of each model.

    Attributes
    ----------
    estimator
        ``raw``, ``naive``, ``jackknife`` or ``beta_binomial``.
    models, model_errors
        Gap of each model and its standard error, in the order of the comparison's models.
    null, null_sd
        What the estimator shows where the true gap is 0, and how that varies; nan when there are
        too few answers for a null test.
    """

    estimator: str
    mean: Estimate
    error: float
    models: tuple[float, ...]
    model_errors: tuple[float, ...]
    null: float
    null_sd: float


@dataclass(frozen=True, slots=True)
class HeldOutCheck:
    """Mean frequency in answers that the matching did not use, and old minus new."""

    matched_on: int
    answers: int
    old: float
    new: float
    drop: Estimate
    error: float


@dataclass(frozen=True, slots=True)
class ByAnswers:
    """Mean gap when matched on m answers; ``r2`` is that of a line in 1/m."""

    answers: tuple[int, ...]
    gap: tuple[float, ...]
    r2: float


@dataclass(frozen=True, slots=True)
class Need:
    """Answers an item in all at which the matched gap is within a tolerance (points) of its limit.

    ``naive_most`` allows for the noise of the bias; ``jackknife`` is what the jackknife needs.
    """

    tolerance: float
    naive: int
    naive_most: int
    jackknife: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The gap at equal true selection frequency, next to the raw one.

    Attributes
    ----------
    answers
        Answers an item that both sets were brought to.
    old_items, new_items
        Items with so many answers.
    old_left_out, new_left_out
        Items with fewer or none.
    candidates
        Candidates behind the new set's frequencies, its own items among them; 0 when the file holds
        no others, so that its answers are taken to have had no part in the selection.
    missing
        Share of the old set at frequencies that no new item has.
    estimates
        Raw, naive, jackknife and Beta-Binomial.
    null_share
        Share of null tests whose matched gap is at least as large as the one seen; nan without.
    """

    answers: int
    old_items: int
    new_items: int
    old_left_out: int
    new_left_out: int
    candidates: int
    missing: float
    estimates: tuple[GapEstimate, ...]
    held_out: HeldOutCheck
    by_answers: ByAnswers
    need: Need
    null_share: float

    def __getitem__(self, estimator: str) -> GapEstimate:
        return self.estimates[ESTIMATORS.index(estimator)]


def corrected(
    store: Store,
    scores: Scores,
    frequencies: tuple[Frequencies, Frequencies],
    settings: CompareSettings,
) -> tuple[Selection, tuple[str, ...]]:
    """Estimate the gap at equal true selection frequency, and say what limits it.

    Parameters
    ----------
    frequencies
        Of the old and of the new set's items, each asked about its own class.  Further items in the
        second are the candidates that the new set was selected from.

    Raises
    ------
    UsageError
        Without per-example predictions.
    DataError
        When the frequencies are of other items, or there are too few answers.
    """
    hits = scores.hits()
    if hits[0] is None or hits[1] is None:
        raise UsageError(
            "Selection frequencies need per-example predictions, and some models have only counts.",
            "Import predictions instead of totals, or leave the frequencies out.",
        )
    old_set, new_set = store.testset(scores.old), store.testset(scores.new)
    old = _judged(old_set, frequencies[0], hits[0])
    new = _judged(new_set, frequencies[1], hits[1])
    pool = _pool(frequencies[1], new, known=(old_set, new_set))
    new = Judged(new.selected, new.answers, new.correct, pool=pool)
    rng = np.random.default_rng([settings.seed, 5])
    try:
        result = selection_bias(old, new, rng=rng)
    except ValueError as error:
        raise DataError(
            f"The selection frequencies cannot be compared: {error}.",
            "Two answers an item on both sets are the least.",
        ) from error
    selection = _described(result, old, new, settings, _nulls(old, new, result, rng))
    return selection, tuple(_warnings(selection, scores))


def _judged(testset: TestSet, frequencies: Frequencies, correct: BoolArray) -> Judged:
    """Frequencies in the order of the items; those that are not there have no answers."""
    found = matched(frequencies, testset)
    return Judged(found.selected, found.answers, correct)


def _pool(
    frequencies: Frequencies, new: Judged, known: tuple[TestSet, TestSet]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    # Images of the old set are among the answers too: they were the controls.
    taken = {name for testset in known for id in testset.ids.tolist() for name in item_names(id)}
    rest = np.array([item not in taken for item in frequencies.item_ids.tolist()], dtype=bool)
    rest &= frequencies.answers > 0
    if not rest.any():
        return None
    return (
        np.concatenate([new.selected, frequencies.selected[rest]]),
        np.concatenate([new.answers, frequencies.answers[rest]]),
    )


def _nulls(
    old: Judged, new: Judged, result: SelectionBias, rng: np.random.Generator
) -> tuple[list[tuple[float, float]], float]:
    """Mean and spread of each estimator in null tests, and the share as large as the gap seen."""
    votes = max(1, 2 * result.answers // 5)
    if result.answers - votes < 2:
        return [(math.nan, math.nan)] * len(ESTIMATORS), math.nan
    old, _ = old.with_answers(result.answers)
    tilt = tilt_towards(old, new, votes)
    null = null_test(old, rng=rng, tilt=tilt, repetitions=_NULLS, options=_NULL_OPTIONS)
    spread = zip((100 * null.mean).tolist(), (100 * null.sd).tolist(), strict=True)
    return list(spread), null.at_least(result.naive.mean)


def _described(
    result: SelectionBias,
    old: Judged,
    new: Judged,
    settings: CompareSettings,
    nulls: tuple[list[tuple[float, float]], float],
) -> Selection:
    held = result.held_out
    drop = Gaps(np.empty(0), np.empty(0), held.drop, held.se).interval(level=settings.level)
    estimates = tuple(
        _estimate(name, getattr(result, name), null, settings.level)
        for name, null in zip(ESTIMATORS, nulls[0], strict=True)
    )
    # A bias below the noise of the matched gap is not seen, whatever the margin.
    tolerance = max(settings.margin / 100, result.naive.mean_se)
    need = answers_needed(result, tolerance, level=settings.level)
    return Selection(
        answers=result.answers,
        old_items=len(old.selected) - result.left_out[0],
        new_items=len(new.selected) - result.left_out[1],
        old_left_out=result.left_out[0],
        new_left_out=result.left_out[1],
        candidates=0 if new.pool is None else len(new.pool[0]),
        missing=result.missing,
        estimates=estimates,
        held_out=HeldOutCheck(held.matched_on, held.answers, held.old, held.new, drop, held.se),
        by_answers=ByAnswers(
            tuple(result.diagnostic.answers.tolist()),
            tuple((100 * result.diagnostic.gap).tolist()),
            result.diagnostic.r2,
        ),
        need=Need(100 * tolerance, need.naive, need.naive_most, need.jackknife),
        null_share=nulls[1],
    )


def _estimate(name: str, gaps: Gaps, null: tuple[float, float], level: float) -> GapEstimate:
    mean = gaps.interval(level=level)
    return GapEstimate(
        name,
        Estimate(100 * mean.value, 100 * mean.low, 100 * mean.high),
        100 * gaps.mean_se,
        tuple((100 * gaps.value).tolist()),
        tuple((100 * gaps.se).tolist()),
        *null,
    )


def _warnings(selection: Selection, scores: Scores) -> list[str]:
    out = []
    for name, left in ((scores.old, selection.old_left_out), (scores.new, selection.new_left_out)):
        if left:
            out.append(
                f"{left:,} items of {name} have fewer than {selection.answers} answers and are in "
                "no estimate of the selection bias."
            )
    if selection.missing > 0:
        out.append(
            f"{100 * selection.missing:.2g} % of {scores.old} have a selection frequency that no "
            f"item of {scores.new} has; the other frequencies take their place."
        )
    if not selection.candidates:
        out.append(
            f"The frequencies of {scores.new} hold none of the candidates that were not selected. "
            "If it was selected by these same answers, the corrected gaps correct too little; give "
            "the frequencies of all candidates, or answers that the selection did not use."
        )
    return out
