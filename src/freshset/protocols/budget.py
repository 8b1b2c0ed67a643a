"""Budget planner: what two test sets of given sizes can show, and how many fresh examples it takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, inf
from typing import Any

from scipy.optimize import brentq

from freshset.core.errors import UsageError
from freshset.stats.power import (
    detectable_drop,
    fresh_items_for_drop,
    items_for_pair,
    power_of_drop,
)
from freshset.stats.types import none_if_nan

SCHEMA = "freshset.budget/1"

# Shares of examples on which exactly one of two models is right, from near-clones to strangers.
DISCORDANCES = (0.02, 0.05, 0.1, 0.2)
_DROPS = (0.005, 0.01, 0.02, 0.03, 0.05)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned.

    Attributes
    ----------
    n_old, n_fresh
        Examples of both sets.
    accuracy
        Expected on the old set, fraction.
    models
        Models to compare.
    level, power
        Of the tests; with several models their error is shared out (Bonferroni).
    """

    n_old: int
    n_fresh: int
    accuracy: float
    models: int = 1
    level: float = 0.95
    power: float = 0.8

    def check(self) -> None:
        """Raise `UsageError` for what cannot be planned."""
        if min(self.n_old, self.n_fresh, self.models) < 1:
            raise UsageError("Sizes and models are whole numbers from 1.", "Check the numbers.")
        if not 0 < self.accuracy < 1:
            raise UsageError("The expected accuracy lies between 0 and 1.", "Such as 0.9.")
        if not (0 < self.level < 1 and 0 < self.power < 1):
            raise UsageError("Level and power lie between 0 and 1.", "Such as 0.95 and 0.8.")


@dataclass(frozen=True, slots=True)
class NeededFor:
    """One drop (points): its power with these sets, and how many fresh examples it takes.

    ``fresh`` is infinite where the old set alone is too small; ``fresh_all`` is for all models at once.
    """

    drop: float
    power: float
    fresh: float
    fresh_all: float


@dataclass(frozen=True, slots=True)
class Resolved:
    """Difference (points) of two models that the fresh set tells apart.

    Attributes
    ----------
    discordance
        Share of examples on which exactly one of them is right.
    one, any_pair
        Alone, and with the error shared out among all pairs; nan where no difference is seen.
    """

    discordance: float
    one: float
    any_pair: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The answers.

    Attributes
    ----------
    drop, drop_all
        Smallest drop (points) that is seen for one model, and for every model at once; nan where none.
    """

    plan: Plan
    drop: float
    drop_all: float
    needed: tuple[NeededFor, ...]
    resolved: tuple[Resolved, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """The answers in sentences."""
        p = self.plan
        first = (
            f"With {p.n_old:,} old and {p.n_fresh:,} fresh examples and an accuracy of "
            f"{100 * p.accuracy:g} %, a drop of {self.drop:.2f} points is seen with "
            f"{100 * p.power:g} % power"
        )
        if p.models > 1:
            first += f"; for each of {p.models:,} models at once it takes {self.drop_all:.2f}"
        out = [f"{first}."]
        impossible = [one.drop for one in self.needed if one.fresh == inf]
        if impossible:
            out.append(
                f"No number of fresh examples shows a drop of {max(impossible):g} points: the old set "
                "itself is too small."
            )
        if p.models > 1:
            near = self.resolved[1]
            pairs = comb(p.models, 2)
            every = f", any of {pairs:,} pairs from {near.any_pair:.2f}" if pairs > 1 else ""
            out.append(
                f"Two models that differ in {100 * near.discordance:g} % of their answers are told "
                f"apart on the fresh set from {near.one:.2f} points on{every}: ranks closer than that "
                "are ties."
            )
        return tuple(out)

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        p = self.plan
        return {
            "schema": SCHEMA,
            "n_old": p.n_old, "n_fresh": p.n_fresh, "accuracy": p.accuracy, "models": p.models,
            "level": p.level, "power": p.power,
            "drop": none_if_nan(self.drop),
            "drop_all": none_if_nan(self.drop_all),
            "needed": [
                {"drop": one.drop, "power": one.power, "fresh": none_if_nan(one.fresh),
                 "fresh_all": none_if_nan(one.fresh_all)}
                for one in self.needed
            ],
            "resolved": [
                {"discordance": one.discordance, "one": none_if_nan(one.one),
                 "any_pair": none_if_nan(one.any_pair)}
                for one in self.resolved
            ],
            "findings": list(self.findings),
        }  # fmt: skip


def plan_budget(plan: Plan, *, drops: tuple[float, ...] = ()) -> Budget:
    """Answer what can be resolved, and what to collect.

    Parameters
    ----------
    drops
        Drops (fractions) to plan for, besides the usual ones of half a point to five points.

    Raises
    ------
    UsageError
        For numbers that mean nothing.
    """
    plan.check()
    each = _shared(plan.level, plan.models)
    pairs = _shared(plan.level, max(1, comb(plan.models, 2)))
    wanted = sorted({*_DROPS, *drops})
    if wanted[0] <= 0 or wanted[-1] >= 1:
        raise UsageError("A drop lies between 0 and 1.", "Such as 0.01, one point.")
    seen = [
        100
        * detectable_drop(plan.accuracy, plan.n_old, plan.n_fresh, level=level, power=plan.power)
        for level in (plan.level, each)
    ]
    needed = tuple(_needed(plan, drop, each) for drop in wanted if drop <= plan.accuracy)
    resolved = tuple(
        Resolved(
            d,
            *(100 * detectable_difference(d, plan.n_fresh, level=level, power=plan.power)
              for level in (plan.level, pairs)),
        )
        for d in DISCORDANCES
    )  # fmt: skip
    return Budget(plan, seen[0], seen[1], needed, resolved)


def detectable_difference(
    discordance: float, n: int, *, level: float = 0.95, power: float = 0.8
) -> float:
    """Smallest difference (fraction) of two models that n examples show; nan when there is none.

    The inverse of `freshset.stats.power.items_for_pair`, before rounding up.
    """

    def missing(difference: float) -> float:
        return items_for_pair(difference, discordance, level=level, power=power) - n

    if missing(discordance) > 0:
        return float("nan")
    low = discordance * 1e-6
    if missing(low) <= 0:
        return low
    return float(brentq(missing, low, discordance, xtol=1e-9))


def _needed(plan: Plan, drop: float, each: float) -> NeededFor:
    fresh, fresh_all = (
        fresh_items_for_drop(plan.accuracy, drop, plan.n_old, level=level, power=plan.power)
        for level in (plan.level, each)
    )
    power = power_of_drop(plan.accuracy, drop, plan.n_old, plan.n_fresh, level=plan.level)
    return NeededFor(100 * drop, power, fresh, fresh_all)


def _shared(level: float, tests: int) -> float:
    return 1 - (1 - level) / tests
