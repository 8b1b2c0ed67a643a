"""How many items it takes to see a difference, and what a given number can see."""

from __future__ import annotations

import numpy as np
from scipy import special

from freshset.stats.types import check_level


def _quantiles(level: float, power: float) -> tuple[float, float]:
    alpha = check_level(level)
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, not {power}")
    return float(special.ndtri(1 - alpha / 2)), float(special.ndtri(power))


def _check_items(*n: int) -> None:
    if not min(n) > 0:
        raise ValueError("numbers of items must be positive")


def _check_drop(p_old: float, drop: float) -> float:
    p_new = p_old - drop
    if not 0 <= p_old <= 1 or not 0 <= p_new <= 1 or drop == 0:
        raise ValueError("need 0 <= p_old <= 1, 0 <= p_old - drop <= 1 and a drop that is not 0")
    return p_new


def _check_pair(difference: float, discordance: float) -> None:
    if not 0 < abs(difference) <= discordance <= 1:
        raise ValueError("need 0 < |difference| <= discordance <= 1")


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
    _check_items(n_old)
    z = sum(_quantiles(level, power))
    room = (drop / z) ** 2 - p_old * (1 - p_old) / n_old
    if room <= 0:
        return float("inf")
    return float(max(1, np.ceil(round(p_new * (1 - p_new) / room, 9))))


def power_of_drop(
    p_old: float, drop: float, n_old: int, n_new: int, *, level: float = 0.95
) -> float:
    """Probability that a two-sided test sees a true drop, both sets' sizes given."""
    alpha = check_level(level)
    p_new = _check_drop(p_old, drop)
    _check_items(n_old, n_new)
    se = np.sqrt(p_old * (1 - p_old) / n_old + p_new * (1 - p_new) / n_new)
    z = float(special.ndtri(1 - alpha / 2))
    if se == 0:
        return 1.0
    return float(special.ndtr(abs(drop) / se - z) + special.ndtr(-abs(drop) / se - z))


def detectable_drop(
    p_old: float, n_old: int, n_new: int, *, level: float = 0.95, power: float = 0.8
) -> float:
    """Smallest drop (fraction) that is seen with the given power; nan when even p_old is not.

    Notes
    -----
    The positive root of ``drop^2 = z^2 (p1 (1 - p1) / n_old + p2 (1 - p2) / n_new)``, which is
    quadratic in the drop because ``p2 = p1 - drop``.
    """
    if not 0 <= p_old <= 1:
        raise ValueError("p_old must lie between 0 and 1")
    _check_items(n_old, n_new)
    z2 = sum(_quantiles(level, power)) ** 2
    a, b = 1 + z2 / n_new, z2 * (2 * p_old - 1) / n_new
    c = z2 * p_old * (1 - p_old) * (1 / n_old + 1 / n_new)
    drop = (b + float(np.sqrt(b * b + 4 * a * c))) / (2 * a)
    return drop if 0 < drop <= p_old else float("nan")


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
    _check_pair(difference, discordance)
    z_alpha, z_power = _quantiles(level, power)
    spread = np.sqrt(discordance - difference**2)
    root = z_alpha * np.sqrt(discordance) + z_power * spread
    return float(np.ceil(round(float(root**2 / difference**2), 9)))


def power_of_pair(difference: float, discordance: float, n: int, *, level: float = 0.95) -> float:
    """Probability that McNemar's test tells two models apart on n items."""
    alpha = check_level(level)
    _check_pair(difference, discordance)
    _check_items(n)
    spread = np.sqrt(discordance - difference**2)
    shift = abs(difference) * np.sqrt(n)
    z = special.ndtri(1 - alpha / 2) * np.sqrt(discordance)
    if spread == 0:
        return float(shift > z)
    return float(special.ndtr((shift - z) / spread) + special.ndtr((-shift - z) / spread))
