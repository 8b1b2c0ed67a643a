"""The gap taken apart into adaptivity, distribution and generalization.

Source: Recht et al. (2019), "Do ImageNet classifiers generalize to ImageNet?", section 2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from freshset.core.config import CompareSettings, Scale
from freshset.generalization.comparison import Fit, Gap, GapTerm
from freshset.generalization.scores import Scores
from freshset.stats.intervals import clopper_pearson
from freshset.stats.types import Estimate

# Slopes this close to 1 are 1.
_ROUNDING = 1e-9


def decompose(
    scores: Scores, total: Estimate, fits: Mapping[Scale, Fit], settings: CompareSettings
) -> Gap:
    """Say which terms of the mean drop are identified, and what is known of the others.

    Parameters
    ----------
    total
        Mean drop with its interval, percentage points.
    """
    generalization = _generalization(scores, settings.level)
    if settings.same_distribution:
        adaptivity = GapTerm(
            identified=True,
            value=total,
            note="The new set is declared a draw from the old distribution, so the drop beyond "
            "sampling error is adaptivity.",
        )
        zero = GapTerm(
            identified=True, value=Estimate(0.0, 0.0, 0.0), note="Zero by the declared design."
        )
        return Gap(total, adaptivity, zero, generalization)
    adaptivity = GapTerm(identified=False, value=None, note=_adaptivity_note(fits))
    distribution = GapTerm(
        identified=False,
        value=None,
        note="Not separable from adaptivity with one fresh set; together they are the total, up to "
        "the generalization term.",
    )
    return Gap(total, adaptivity, distribution, generalization)


def _generalization(scores: Scores, level: float) -> GapTerm:
    ci = clopper_pearson(scores.k_new, scores.n_new, level=level)
    half = float(100 * np.max((ci.high - ci.low) / 2))
    return GapTerm(
        identified=True,
        value=Estimate(0.0, -half, half),
        note=f"Bounded by the exact interval on {scores.n_new:,} fresh items: at most {half:.1f} points "
        "either way for any of these models.",
    )


def _adaptivity_note(fits: Mapping[Scale, Fit]) -> str:
    if "linear" not in fits:
        return "Not identified."
    slope = fits["linear"].slope
    if slope.low > 1 + _ROUNDING:
        return (
            "Not identified. Adaptivity predicts diminishing returns (a slope below 1); the slope "
            f"is {slope.value:.2f}. A penalty that all models share would not show in it."
        )
    if slope.high < 1 - _ROUNDING:
        return (
            f"Not identified. The slope of {slope.value:.2f} is below 1, as adaptivity would make "
            "it, but a shift of the distribution can do the same."
        )
    return (
        f"Not identified. The slope of {slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f}) "
        "speaks neither for nor against diminishing returns."
    )
