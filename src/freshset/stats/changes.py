"""The change of the mean accuracy of many models from one set of items to another."""

from __future__ import annotations

import numpy as np
from scipy import special

from freshset.stats.types import BoolArray, Estimate, FloatArray, check_level


def mean_change(old: BoolArray, new: BoolArray, *, level: float = 0.95) -> Estimate:
    """Mean accuracy on the new items less mean accuracy on the old ones, as fractions.

    The models are taken as given and the items as drawn: the interval is that of a difference of
    two means over independent items, each item counted with the share of models that get it right.

    Parameters
    ----------
    old, new
        Whether each model is right on each item, shapes (models, old items) and (models, new items),
        the models in one order.
    level
        Confidence level.

    Returns
    -------
    Estimate
        Positive where the new items are easier.  The interval is that of the normal distribution
        with the variances of both sets; nan when a set has one item.

    Raises
    ------
    ValueError
        When the numbers of models differ, or there is no model or no item.

    References
    ----------
    Recht et al. (2019), table 1, gives such means without intervals; the interval is Welch's for
    two means, with so many items that Student's distribution is the normal one.
    """
    if len(old) != len(new):
        raise ValueError(f"{len(old)} models on the old items, {len(new)} on the new ones")
    if not old.size or not new.size:
        raise ValueError("a mean needs a model and an item")
    alpha = check_level(level)
    shares = old.mean(axis=0), new.mean(axis=0)
    value = float(shares[1].mean() - shares[0].mean())
    half = float(special.ndtri(1 - alpha / 2) * np.sqrt(sum(map(_variance_of_mean, shares))))
    return Estimate(value, value - half, value + half)


def _variance_of_mean(values: FloatArray) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else float("nan")
