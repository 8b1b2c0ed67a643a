"""Why the line is straight: one number of difficulty per item, one of skill per model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class DifficultyModel:
    """Scalar-difficulty model of two test sets.

    An item has difficulty tau ~ N(mu, sigma^2), a model has skill s, and it is right with
    probability Phi(s - tau).  Its accuracy is then Phi((s - mu) / sqrt(sigma^2 + 1)), so the probits
    of its accuracies on two sets lie on a line.

    Attributes
    ----------
    mu_old, sigma_old
        Mean and spread of the old set's difficulties; fixed, since only the line is identified.
    mu_new, sigma_new
        Those of the new set that the line implies: larger mu means harder items.
    """

    mu_old: float
    sigma_old: float
    mu_new: float
    sigma_new: float

    @property
    def slope(self) -> float:
        """Slope u of the line on the probit scale."""
        return float(np.hypot(self.sigma_old, 1) / np.hypot(self.sigma_new, 1))

    @property
    def intercept(self) -> float:
        """Intercept v of the line on the probit scale."""
        return float((self.mu_old - self.mu_new) / np.hypot(self.sigma_new, 1))


def difficulty_from_line(
    slope: float, intercept: float, *, mu_old: float = 0.0, sigma_old: float = 1.0
) -> DifficultyModel:
    """Difficulties of the new set that explain a probit line.

    Parameters
    ----------
    slope, intercept
        The line of probit new accuracy on probit old accuracy.
    mu_old, sigma_old
        The old set's difficulties, which the data cannot identify.

    Raises
    ------
    ValueError
        When the slope is not positive, or so steep that the new set would need a negative variance.

    References
    ----------
    Recht et al. (2019), "Do ImageNet classifiers generalize to ImageNet?", section 4.3.
    """
    if slope <= 0:
        raise ValueError("the model needs a positive slope")
    total = np.hypot(sigma_old, 1) / slope
    if total < 1:
        raise ValueError("so steep a line has no scalar-difficulty model with this sigma_old")
    return DifficultyModel(
        mu_old, sigma_old, float(mu_old - intercept * total), float(np.sqrt(total**2 - 1))
    )
