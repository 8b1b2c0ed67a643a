"""How many items it takes to see a difference, and what a given number can see."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from freshset.stats.types import check_level


def _z_sum(level: float, power: float) -> float:
    alpha = check_level(level)
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, not {power}")
    return float(special.ndtri(1 - alpha / 2) + special.ndtri(power))


def _check_drop(p_old: float, drop: float) -> float:
    p_new = p_old - drop
    if not 0 <= p_old <= 1 or not 0 <= p_new <= 1 or drop == 0:
        raise ValueError("need 0 <= p_old <= 1, 0 <= p_old - drop <= 1 and a drop that is not 0")
    return p_new


def fresh_items_for_drop(
    p_old: float, drop: float, n_old: int, *, level: float = 0.95, power: float = 0.8
) -> float:
    """Items that a fresh test set needs to detect a drop.

    Parameters
    ----------
    p_old
        Accuracy on the old set, fraction.
    drop
        True drop to detect, fraction (0.01 is one point).
    n_old
        Items of the old set.

    Returns
    -------
    float
        Rounded up; infinite when the old set alone is too small to see this drop.

    Notes
    -----
    Two independent proportions, normal approximation:
    ``n = p2 (1 - p2) / ((drop / z)^2 - p1 (1 - p1) / n_old)`` with z the sum of both quantiles.
    """
    p_new = _check_drop(p_old, drop)
    room = (drop / _z_sum(level, power)) ** 2 - p_old * (1 - p_old) / n_old
    if room <= 0:
        return float("inf")
    return float(np.ceil(round(p_new * (1 - p_new) / room, 9)))


def power_of_drop(
    p_old: float, drop: float, n_old: int, n_new: int, *, level: float = 0.95
) -> float:
    """Probability that a two-sided test sees a true drop, both sets' sizes given."""
    alpha = check_level(level)
    p_new = _check_drop(p_old, drop)
    se = np.sqrt(p_old * (1 - p_old) / n_old + p_new * (1 - p_new) / n_new)
    z = float(special.ndtri(1 - alpha / 2))
    if se == 0:
        return 1.0
    return float(special.ndtr(abs(drop) / se - z) + special.ndtr(-abs(drop) / se - z))


def detectable_drop(
    p_old: float, n_old: int, n_new: int, *, level: float = 0.95, power: float = 0.8
) -> float:
    """Smallest drop (fraction) that is seen with the given power; nan when even p_old is not."""
    z = _z_sum(level, power)

    def excess(drop: float) -> float:
        p_new = p_old - drop
        return drop - z * float(
            np.sqrt(p_old * (1 - p_old) / n_old + p_new * (1 - p_new) / n_new)
        )

    if p_old <= 0 or excess(p_old) < 0:
        return float("nan")
    return float(optimize.brentq(excess, 0.0, p_old))


def items_for_pair(
    difference: float, discordance: float, *, level: float = 0.95, power: float = 0.8
) -> float:
    """Items one test set needs to tell two models apart by McNemar's test.

    Parameters
    ----------
    difference
        True difference in accuracy, fraction.
    discordance
        Share of items on which exactly one of the two is right, (b + c) / n; at least |difference|.

    References
    ----------
    Connor (1987), Biometrics 43:207.
    """
    alpha = check_level(level)
    if not 0 < abs(difference) <= discordance <= 1:
        raise ValueError("need 0 < |difference| <= discordance <= 1")
    z_alpha, z_power = special.ndtri(1 - alpha / 2), special.ndtri(power)
    spread = np.sqrt(discordance - difference**2)
    root = z_alpha * np.sqrt(discordance) + z_power * spread
    return float(np.ceil(round(float(root**2 / difference**2), 9)))


def power_of_pair(
    difference: float, discordance: float, n: int, *, level: float = 0.95
) -> float:
    """Probability that McNemar's test tells two models apart on n items."""
    alpha = check_level(level)
    if not 0 < abs(difference) <= discordance <= 1:
        raise ValueError("need 0 < |difference| <= discordance <= 1")
    spread = np.sqrt(discordance - difference**2)
    shift = abs(difference) * np.sqrt(n)
    z = special.ndtri(1 - alpha / 2) * np.sqrt(discordance)
    if spread == 0:
        return float(shift > z)
    return float(special.ndtr((shift - z) / spread) + special.ndtr((-shift - z) / spread))
