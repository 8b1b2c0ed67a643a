"""What it will take to reach a valid set, before money is spent.

A class lacks images in some groups.  How many more candidates must be labelled follows from how often a
candidate of the class falls into each group, which its labelled candidates tell: their frequencies are
taken as draws of a Beta distribution, and the frequency of a new one, asked about n times, is then
Beta-Binomial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from freshset.core.frequencies import Frequencies
from freshset.replication.labelling.costs import RULE, task_cost
from freshset.replication.sampling.choose import Choice
from freshset.replication.sampling.eligibility import REASONS
from freshset.stats.arrivals import Need, expected_draws, needs_of, simulate_draws
from freshset.stats.bins import at_least, frequency_bins
from freshset.stats.selection import Prior, count_probabilities, draw_priors, fit_prior
from freshset.stats.types import FloatArray, IntArray, none_if_nan

SCHEMA = "freshset.forecast/1"
_EVERYBODY = ""
_OWN = 10
"""Labelled candidates from which a class is judged by its own."""


@dataclass(frozen=True, slots=True)
class Range:
    """An expected number with the central interval of simulations; ``None`` is infinite."""

    expected: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, expected: float, draws: FloatArray, level: float) -> Range:
        """Range with the central interval of simulated numbers."""
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], method="nearest")
        return cls(none_if_nan(expected), none_if_nan(low), none_if_nan(high))


@dataclass(frozen=True, slots=True)
class _Draws:
    """Simulated numbers of candidates: with the chances as fitted, and with their uncertainty."""

    fitted: FloatArray
    uncertain: FloatArray


@dataclass(frozen=True, slots=True)
class ClassForecast:
    """One class.

    Attributes
    ----------
    target, stock, missing
        Images by group: wanted, eligible now, and the difference where it is positive.
    unlabelled
        Candidates that have too few answers yet.
    unreviewed
        Candidates that only lack a review of their neighbours.
    basis
        Whose frequencies the forecast is from: ``own``, ``all classes``, ``none`` where nothing is
        known, and empty where nothing is missing.
    chances
        That a new candidate is eligible and falls into the group.
    candidates
        To be labelled; of those, `collect` beyond the ones there are.
    tasks
        To be posted.
    """

    class_key: str
    target: Mapping[str, int]
    stock: Mapping[str, int]
    missing: Mapping[str, int]
    unlabelled: int
    unreviewed: int
    basis: str
    chances: Mapping[str, float]
    candidates: Range
    collect: Range
    tasks: Range


@dataclass(frozen=True, slots=True)
class Forecast:
    """All classes.

    Attributes
    ----------
    strategy
        Of the spec.
    level
        Of all intervals.
    tasks, cost
        To be posted, and what they cost in dollars with fees: the median of simulations, which counts
        that the chances are uncertain and so is somewhat above the sum of the classes.
    unreachable
        Classes for which some group cannot be filled, or of which nothing is known.
    """

    strategy: str
    level: float
    tasks: Range
    cost: Range
    unreachable: tuple[str, ...]
    classes: tuple[ClassForecast, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema `SCHEMA`."""
        return {"schema": SCHEMA, "fee": RULE} | asdict(self)


@dataclass(frozen=True)
class _Part:
    """Candidates from which chances are estimated: those of a class, or all."""

    rows: Frequencies
    reason: IntArray
    answers: int

    @cached_property
    def labelled(self) -> int:
        return int((self.rows.answers > 0).sum())

    @cached_property
    def prior(self) -> Prior:
        return fit_prior(self.rows.selected, self.rows.answers)

    def outcomes(self, times: int, rng: np.random.Generator) -> FloatArray:
        """Chances of 0, 1, ... yes for a new candidate: as fitted, then `times` draws of them."""
        rows, prior = self.rows, self.prior
        a, b = draw_priors(prior, rows.selected, rows.answers, times=times, rng=rng)
        return count_probabilities(np.append(prior.a, a), np.append(prior.b, b), self.answers)

    @cached_property
    def passing(self) -> float:
        """Share of labelled candidates that nothing but their frequency or a lacking review bars."""
        bad = [REASONS.index(name) for name in ("blacklisted", "near-duplicate", "other-class")]
        out = [REASONS.index(name) for name in ("few-answers", "below-threshold")]
        reason = self.reason[self.rows.answers > 0]
        judged = ~np.isin(reason, out)
        failed = np.isin(reason, bad).sum()
        # Half an image in favour, so that nothing known means no loss.
        return float((judged.sum() - failed + 0.5) / (judged.sum() + 0.5))


def _parts(choice: Choice) -> dict[str, _Part]:
    """Candidates by class, and all of them; they are sorted by class."""
    rows, answers = choice.eligibility.candidates, choice.spec.tasks.answers
    reason = choice.eligibility.reason.astype(np.int64)
    keys = rows.class_keys.astype(str)
    out = {_EVERYBODY: _Part(rows, reason, answers)}
    for key in choice.plan.targets:
        here = slice(np.searchsorted(keys, key), np.searchsorted(keys, key, side="right"))
        out[key] = _Part(rows[here], reason[here], answers)
    return out


def forecast(
    choice: Choice,
    *,
    level: float = 0.9,
    simulations: int = 1_000,
    rng: np.random.Generator,
) -> Forecast:
    """Forecast the tasks and the money that a valid set still takes.

    Parameters
    ----------
    choice
        Spec, candidates with answers, eligibility and targets; see
        `freshset.replication.sampling.choose.choice_of`.
    level
        Of the intervals.
    simulations
        Simulated ways to go on, each class.

    Notes
    -----
    Expected numbers are for the chances as fitted: exact for candidates (see
    `freshset.stats.arrivals.expected_draws`) unless a group may be filled from higher ones, else means
    of simulations.  For the intervals each simulation also draws the frequencies' distribution, as
    uncertain as the labelled candidates leave it (see `freshset.stats.selection.draw_priors`).
    """
    spec = choice.spec
    size = spec.tasks.grid - spec.tasks.positives - spec.tasks.negatives
    total, classes, unreachable = np.zeros(simulations), [], []
    parts = _parts(choice)
    for key in choice.plan.targets:
        one, draws = _class_forecast(choice, key, parts, (level, simulations), rng)
        classes.append(one)
        if one.tasks.expected is None:
            unreachable.append(key)
        else:
            total += np.ceil(draws.uncertain / size)
    cost = task_cost(1, spec.tasks.answers, spec.tasks.reward)
    middle = float(np.median(total))
    return Forecast(
        spec.sampling.strategy,
        level,
        Range.of(middle, total, level),
        Range.of(middle * cost, total * cost, level),
        tuple(unreachable),
        tuple(classes),
    )


def _class_forecast(
    choice: Choice,
    key: str,
    parts: Mapping[str, _Part],
    how: tuple[float, int],
    rng: np.random.Generator,
) -> tuple[ClassForecast, _Draws]:
    (level, simulations), rules = how, choice.spec.tasks
    size = rules.grid - rules.positives - rules.negatives
    rows, reason = parts[key].rows, parts[key].reason
    names, target = choice.plan.names[key], np.array(choice.plan.targets[key])
    eligible = rows[reason < 0]
    groups = choice.plan.groups_of(eligible, choice.pools.candidate_keywords)
    stock = np.bincount(groups[groups >= 0], minlength=len(names))
    needs = needs_of((target - stock).tolist(), upward=choice.spec.sampling.upward)
    # Whoever has enough needs no estimate.
    table, basis = np.zeros((simulations + 1, len(names))), ""
    if needs:
        table, basis = _chances(choice, key, parts, simulations, rng)
    chances, draws = table[0], _draws(needs, table, rng)
    overlap = choice.spec.sampling.upward
    exact = float(draws.fitted.mean()) if overlap else expected_draws(needs, chances)
    unlabelled = int((reason == REASONS.index("few-answers")).sum())

    def told(numbers: _Draws, expected: float | None = None) -> Range:
        mean = float(numbers.fitted.mean()) if expected is None else expected
        return Range.of(mean, numbers.uncertain, level)

    def named(values: IntArray) -> dict[str, int]:
        return {name: int(n) for name, n in zip(names, values, strict=True)}

    def less(numbers: FloatArray) -> FloatArray:
        return np.maximum(0, numbers - unlabelled)

    return ClassForecast(
        class_key=key,
        target=named(target),
        stock=named(stock),
        missing={name: n for name, n in named(target - stock).items() if n > 0},
        unlabelled=unlabelled,
        unreviewed=int((reason == REASONS.index("unreviewed")).sum()),
        basis=basis,
        chances={name: float(p) for name, p in zip(names, chances, strict=True)},
        candidates=told(draws, exact),
        collect=told(_Draws(less(draws.fitted), less(draws.uncertain))),
        tasks=told(_Draws(np.ceil(draws.fitted / size), np.ceil(draws.uncertain / size))),
    ), draws


def _draws(needs: Sequence[Need], chances: FloatArray, rng: np.random.Generator) -> _Draws:
    """Simulate with the chances as fitted, and with each draw of them."""
    times = len(chances) - 1
    if any(chances[0, list(need.kinds)].sum() <= 0 for need in needs):
        never = np.full(times, np.inf)
        return _Draws(never, never)
    return _Draws(
        simulate_draws(needs, chances[0], times=times, rng=rng),
        simulate_draws(needs, chances[1:], times=times, rng=rng),
    )


def _chances(
    choice: Choice, key: str, parts: Mapping[str, _Part], times: int, rng: np.random.Generator
) -> tuple[FloatArray, str]:
    """Chances of the groups for a new candidate, as fitted and drawn, and whose images say so."""
    names, own = choice.plan.names[key], parts[key]
    if choice.plan.by == "keyword":
        words = choice.pools.candidate_keywords
        of_row = [words.get((item, key), "") for item in own.rows.item_ids.tolist()]
        share = np.array([of_row.count(name) for name in names]) / max(1, len(of_row))
        return np.tile(share * own.passing, (times + 1, 1)), "own"
    part, basis = (own, "own") if own.labelled >= _OWN else (parts[_EVERYBODY], "all classes")
    if not part.labelled:
        return np.zeros((times + 1, len(names))), "none"
    return _shares(choice, key, part, times, rng) * part.passing, basis


def _shares(
    choice: Choice, key: str, part: _Part, times: int, rng: np.random.Generator
) -> FloatArray:
    """Chances of each group for the frequency of a new candidate of the class."""
    rules, n = choice.spec.sampling, part.answers
    if choice.plan.by != "frequency" and rules.strategy != "threshold":
        return np.ones((times + 1, 1))
    k, all_ = np.arange(n + 1), np.full(n + 1, n)
    outcomes = part.outcomes(times, rng)
    if choice.plan.by == "frequency":
        bins = frequency_bins(k, all_, choice.plan.edges)
        return np.asarray(outcomes @ np.eye(len(choice.plan.names[key]))[bins])
    own = choice.spec.by_key[key].threshold
    limit = rules.threshold if own is None else own
    return np.asarray(outcomes[:, at_least(k, all_, limit)].sum(axis=1, keepdims=True))
