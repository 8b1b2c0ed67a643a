"""What feedback policies buy: attacks on each of them, and how far the leader's score is off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from freshset.core.errors import UsageError
from freshset.protocols.attacks import ATTACKS, Board, attack
from freshset.protocols.policies import PolicySpec
from freshset.stats.crossvalidation import t_interval
from freshset.stats.types import Estimate, FloatArray

SCHEMA = "freshset.feedback-simulation/1"


def default_policies(n_public: int) -> dict[str, PolicySpec]:
    """Policies of the study by name.

    Steps and rounding are one point.  Thresholdout has the threshold 2 / sqrt(n) and the scale
    1 / (4 sqrt(n)), so that its tolerance is near the sampling error, and 100 answers.
    """
    root = sqrt(n_public)
    return {
        "plain": PolicySpec("exact"),
        "rounded to a point": PolicySpec("rounded", step="0.01"),
        "Thresholdout": PolicySpec(
            "thresholdout", threshold=2 / root, sigma=0.25 / root, budget=100
        ),
        "Ladder, one point": PolicySpec("ladder-step", step="0.01"),
        "Ladder, parameter-free": PolicySpec("ladder"),
    }


@dataclass(frozen=True, slots=True)
class FeedbackSettings:
    """Settings of the study.

    Attributes
    ----------
    n_public
        Examples behind the board; submitters know as many others with their labels.
    n_fresh
        Fresh examples that tell what the leader is worth.
    counts
        Numbers of submissions after which to look, ascending.
    repetitions
        Boards for each attack and policy; all policies face the same labels and coins.
    seed
        Of everything.
    level
        Of the intervals.
    """

    n_public: int = 4000
    n_fresh: int = 8000
    counts: tuple[int, ...] = (10, 30, 100, 200, 400, 700, 1000)
    repetitions: int = 20
    seed: int = 0
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Curve:
    """One attack on one policy.

    Attributes
    ----------
    error
        Fresh loss of the leader less its loss on the board, percentage points, one a number of
        submissions, mean over the boards with Student's interval.
    shown, fresh
        Mean accuracies of the leader on the board and on fresh examples, fractions.
    """

    attack: str
    policy: str
    error: tuple[Estimate, ...]
    shown: tuple[float, ...]
    fresh: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FeedbackStudy:
    """The study.

    Attributes
    ----------
    sampling_error
        Standard error of the score of one submission on the board, percentage points.
    curves
        One for each attack and policy.
    """

    settings: FeedbackSettings
    sampling_error: float
    curves: tuple[Curve, ...]

    def curve(self, attack: str, policy: str) -> Curve:
        """One curve by its names."""
        return next(c for c in self.curves if (c.attack, c.policy) == (attack, policy))

    @property
    def findings(self) -> tuple[str, ...]:
        """The last point of each attack in words."""
        return tuple(_sentence(self, name) for name in dict.fromkeys(c.attack for c in self.curves))

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "schema": SCHEMA,
            "settings": asdict(self.settings),
            "sampling_error": self.sampling_error,
            "curves": [
                {
                    "attack": c.attack,
                    "policy": c.policy,
                    "error": [one.to_dict() for one in c.error],
                    "shown": list(c.shown),
                    "fresh": list(c.fresh),
                }
                for c in self.curves
            ],
            "findings": list(self.findings),
        }


def feedback_study(
    settings: FeedbackSettings | None = None,
    *,
    attacks: tuple[str, ...] = tuple(ATTACKS),
    policies: dict[str, PolicySpec] | None = None,
    step: Callable[[str], object] = str,
) -> FeedbackStudy:
    """Attack boards with each policy.

    Parameters
    ----------
    settings
        Sizes, numbers and seed; the defaults take about half a minute.
    attacks
        Names in `freshset.protocols.attacks.ATTACKS`.
    policies
        By the names to show; those of `default_policies` by default.
    step
        Called with a short text after each attack on a policy.

    Raises
    ------
    UsageError
        For an unknown attack, or fewer than two repetitions.
    """
    s = settings or FeedbackSettings()
    if s.repetitions < 2:
        raise UsageError("An interval needs two repetitions.", "Take 20.")
    curves = []
    for name in attacks:
        for title, spec in (policies or default_policies(s.n_public)).items():
            curves.append(_curve(s, name, title, spec))
            step(f"{name} against {title}")
    return FeedbackStudy(s, 50 / sqrt(s.n_public), tuple(curves))


def _curve(s: FeedbackSettings, name: str, title: str, spec: PolicySpec) -> Curve:
    shown, fresh = np.empty((2, s.repetitions, len(s.counts)), dtype=np.float64)
    for repetition in range(s.repetitions):
        # The stream does not depend on the policy: all policies face the same labels and coins.
        rng = np.random.default_rng((s.seed, repetition))
        size = 2 * s.n_public + s.n_fresh
        labels = rng.integers(0, 2, size, dtype=np.int8).astype(bool)
        board = Board(spec.make(repetition), labels, s.n_public, s.n_public)
        leaders = attack(name, board, s.counts, rng)
        shown[repetition] = [1 - leader.shown for leader in leaders]
        fresh[repetition] = [1 - leader.fresh for leader in leaders]
    return Curve(
        name, title, _estimates(100 * (shown - fresh), s.level),
        tuple(shown.mean(axis=0).tolist()), tuple(fresh.mean(axis=0).tolist()),
    )  # fmt: skip


def _estimates(errors: FloatArray, level: float) -> tuple[Estimate, ...]:
    return tuple(t_interval(column, level=level) for column in errors.T)


def _sentence(study: FeedbackStudy, name: str) -> str:
    parts = ", ".join(
        f"{c.policy} {c.error[-1].value:.1f} ({c.error[-1].low:.1f} to {c.error[-1].high:.1f})"
        for c in study.curves
        if c.attack == name
    )
    return (
        f"After {study.settings.counts[-1]:,} submissions ({name}) the board flatters its leader by, "
        f"in points: {parts}; one standard error of a score is {study.sampling_error:.1f}."
    )
