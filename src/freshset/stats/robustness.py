"""Accuracy beyond what the line predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.stats.fits import Line, Scale, fit_line, inverse, transform
from freshset.stats.types import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class EffectiveRobustness:
    """Distance of every model from the baseline.

    Attributes
    ----------
    baseline
        The fitted line, on ``scale``.
    scale
        Scale of the baseline.
    rho
        New accuracy minus the baseline's prediction, percentage points, shape (models,).
    """

    baseline: Line
    scale: Scale
    rho: FloatArray


def effective_robustness(
    accuracy_old: npt.ArrayLike,
    accuracy_new: npt.ArrayLike,
    *,
    standard: BoolArray | None = None,
    scale: Scale = "logit",
) -> EffectiveRobustness:
    """New accuracy beyond what the old accuracy predicts.

    Parameters
    ----------
    accuracy_old, accuracy_new
        Fractions strictly between 0 and 1, shape (models,).
    standard
        Which models define the baseline (trained without extra robustness measures or data); all by
        default.
    scale
        Scale of the baseline; the source uses ``logit``.

    Raises
    ------
    ValueError
        For vectors of unequal length, or standard models that no line can be fitted to.

    References
    ----------
    Taori et al. (2020), "Measuring robustness to natural distribution shifts in image
    classification", equation 1.
    """
    old, new = np.asarray(accuracy_old, dtype=float), np.asarray(accuracy_new, dtype=float)
    chosen = np.ones(old.shape, dtype=bool) if standard is None else np.asarray(standard)
    if not old.shape == new.shape == chosen.shape:
        raise ValueError("both accuracies and the choice of standard models must have one length")
    x, y = transform(old, scale), transform(new, scale)
    baseline = fit_line(x[chosen], y[chosen])
    rho = 100 * (new - inverse(baseline(x), scale))
    return EffectiveRobustness(baseline, scale, rho)


def relative_robustness(
    accuracy_new: npt.ArrayLike, accuracy_new_base: npt.ArrayLike
) -> FloatArray:
    """Gain on the new set of models over the models they were derived from, percentage points.

    References
    ----------
    Taori et al. (2020), equation 2 (tau).
    """
    return np.asarray(100 * np.subtract(accuracy_new, accuracy_new_base, dtype=float))
