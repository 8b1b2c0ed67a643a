"""Settings of the analysis of a transfer study."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from freshset.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How a transfer study is analysed.

    Attributes
    ----------
    level
        Confidence level of every interval; tests are at one less it.
    resamples
        Of models and data sets, for correlations and the band of the line.
    draws
        Exchanges of two models' answers, for means of per-class accuracies.
    score_resamples
        Of models, for the ranking by scores that need no training.
    within
        Distance from the best, in log odds, at which training has converged.
    embed
        Whether t-SNE maps are made of the embeddings that there are.
    seed
        Of all of these.

    Raises
    ------
    UsageError
        For values that cannot be.
    """

    level: float = 0.95
    resamples: int = 10_000
    draws: int = 10_000
    score_resamples: int = 300
    within: float = 0.1
    embed: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise UsageError(f"level is {self.level}, not between 0 and 1.", "Use 0.95 for 95 %.")
        least = math.ceil(2 / (1 - self.level))
        for name in ("resamples", "draws", "score_resamples"):
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} is {getattr(self, name)}, too few for a level of {self.level}.",
                    f"Use at least {least:,}.",
                )
        if not self.within > 0:
            raise UsageError(f"within is {self.within}.", "Give a distance in log odds, above 0.")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}.", "Use a whole number from 0.")

    def rng(self, *part: int) -> np.random.Generator:
        """Generator of one part of the analysis, which no other part disturbs."""
        return np.random.default_rng([self.seed, *part])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
