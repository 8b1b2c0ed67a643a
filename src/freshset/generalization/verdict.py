"""Survived, dropped, rose or undecided: the rule behind the first finding."""

from __future__ import annotations

import numpy as np

from freshset.core.config import CompareSettings
from freshset.generalization.comparison import Verdict
from freshset.generalization.scores import Scores
from freshset.stats.equivalence import tost_samples
from freshset.stats.intervals import newcombe_drop, percentile_interval
from freshset.stats.power import detectable_drop, fresh_items_for_drop, power_of_drop
from freshset.stats.types import FloatArray


def decide(
    scores: Scores, mean_drop: float, item_drops: FloatArray, settings: CompareSettings
) -> Verdict:
    """Judge the mean drop of these models.

    "Survived" needs two things: an equivalence test (TOST) that puts the mean drop within the
    margin, and sets large enough to have seen a drop of the margin with the wanted power.  A drop
    that is merely not significant is undecided.

    Parameters
    ----------
    mean_drop
        Percentage points.
    item_drops
        Item resamples of it, percentage points: the verdict is about these models, so only items
        are resampled, whatever the other intervals do.
    """
    p_old = float(scores.accuracy_old.mean())
    margin = settings.margin / 100
    sizes = {"level": settings.level, "power": settings.power}
    # Where accuracy cannot fall by the margin, a rise of the margin has to be visible instead.
    change = margin if margin <= p_old else -margin
    power = power_of_drop(p_old, change, scores.n_old, scores.n_new, level=settings.level)
    needed = fresh_items_for_drop(p_old, change, scores.n_old, **sizes)
    p_equivalence = tost_samples(mean_drop, item_drops, margin=settings.margin)
    if np.ptp(item_drops) == 0 and not _all_within(scores, margin, settings.level):
        # All right or all wrong: the resamples know no noise, the exact counts do.
        p_equivalence = 1.0
    interval = percentile_interval(item_drops, level=settings.level)
    if p_equivalence < 1 - settings.level and power >= settings.power:
        outcome = "survived"
    elif interval.low > 0:
        outcome = "dropped"
    elif interval.high < 0:
        outcome = "rose"
    else:
        outcome = "undecided"
    return Verdict(
        outcome,
        settings.margin,
        p_equivalence,
        power,
        100 * detectable_drop(p_old, scores.n_old, scores.n_new, **sizes),
        needed,
    )


def _all_within(scores: Scores, margin: float, level: float) -> bool:
    ci = newcombe_drop(scores.k_old, scores.n_old, scores.k_new, scores.n_new, level=level)
    return bool((ci.low > -margin).all() and (ci.high < margin).all())
