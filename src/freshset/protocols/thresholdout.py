"""Thresholdout: the hidden part answers only when it disagrees with what the submitter knows.

Source: Dwork, Feldman, Hardt, Pitassi, Reingold and Roth (2015), "The reusable holdout: preserving
validity in adaptive data analysis".
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isfinite
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import UsageError
from freshset.protocols.policy import Answer, Shown

Noise = Literal["laplace", "gaussian"]

_THRESHOLD, _QUERY = 0, 1


class Thresholdout:
    """Answer with the claimed loss unless the hidden loss is far from it.

    For each submission, with q the claimed and h the hidden mean loss: if
    ``|h - q| > T^ + eta`` the answer is ``h + xi``, one of the budget is spent and T^ is drawn anew;
    otherwise the answer is q.  Once the budget is spent nothing is answered any more.

    Parameters
    ----------
    threshold
        T, a fraction of the loss.
    sigma
        Scale of the noise, a fraction of the loss; may be 0.
    budget
        How often the hidden part may answer; ``None`` for no limit.
    noise
        ``laplace``, the paper's form: T^ = T + Lap(2 sigma), eta ~ Lap(4 sigma), xi ~ Lap(sigma).
        ``gaussian``, the authors' experiment: T^ = T, and both eta and xi are normal with standard
        deviation sigma; there T is 4 / sqrt(n), sigma 1 / sqrt(n), and no budget is kept.
    seed
        Of all noise, a whole number from 0; with it and the submissions anybody can compute the
        answers, so on a leaderboard it is secret.

    Raises
    ------
    UsageError
        For negative or infinite values.

    Notes
    -----
    Implementations differ by a factor of two in the scales.  Answers may lie outside 0 to 1.  Who
    claims less than the truth by more than T spends the budget and is told the truth.
    """

    kind: ClassVar[str] = "thresholdout"

    def __init__(
        self,
        *,
        threshold: float,
        sigma: float,
        budget: int | None,
        noise: Noise = "laplace",
        seed: int = 0,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        if not (isfinite(threshold) and threshold >= 0 and isfinite(sigma) and sigma >= 0):
            raise UsageError("Threshold and sigma must not be negative.", "Such as 0.04 and 0.01.")
        if budget is not None and budget < 0:
            raise UsageError("The budget must not be negative.", "Such as 100.")
        if noise not in {"laplace", "gaussian"}:
            raise UsageError(f"Unknown noise {noise!r}.", "Use laplace or gaussian.")
        if seed < 0:
            raise UsageError("The seed must not be negative.", "Such as 0.")
        self.threshold, self.sigma, self.budget = threshold, sigma, budget
        self.noise, self.seed = noise, seed
        self._shown = Shown(state or {})
        self.spent = int((state or {}).get("spent", 0))

    @property
    def submissions(self) -> int:
        """Submissions so far."""
        return self._shown.submissions

    @property
    def remaining(self) -> int | None:
        """Answers from the hidden part that are left; ``None`` without a limit."""
        return None if self.budget is None else self.budget - self.spent

    def submit(self, losses: npt.ArrayLike, *, claimed: float | None = None) -> Answer:
        """Answer a submission; ``claimed`` is its mean loss on data that the submitter knows.

        Raises
        ------
        UsageError
            When nothing between 0 and 1 is claimed.
        DataError
            As `freshset.protocols.policy.as_losses`.
        """
        if claimed is None or not 0 <= claimed <= 1:
            raise UsageError(
                "Thresholdout compares with a score that the submitter knows.",
                "Claim the loss on your training or validation data, between 0 and 1.",
            )
        checked = self._shown.check(losses)
        self._shown.count(checked)
        if self.remaining == 0:
            return Answer(None, improved=False, remaining=0)
        eta, xi = self._draw(_QUERY, self._shown.submissions, (4.0, 1.0))
        (shift,) = self._draw(_THRESHOLD, self.spent, (2.0,))
        if self.noise == "gaussian":
            shift = 0.0
        hidden = float(checked.mean)
        if abs(hidden - claimed) > self.threshold + shift + eta:
            self.spent += 1
            return self._shown.show(Fraction(hidden + xi), self.remaining)
        return self._shown.show(Fraction(claimed), self.remaining)

    def _draw(self, purpose: int, number: int, scales: tuple[float, ...]) -> list[float]:
        """Draw the noise of one submission or of one threshold, whatever was drawn before."""
        rng = np.random.default_rng((self.seed, purpose, number))
        if self.noise == "gaussian":
            return [float(self.sigma * rng.standard_normal()) for _ in scales]
        return [float(self.sigma * scale * rng.laplace()) for scale in scales]

    def to_dict(self) -> dict[str, Any]:
        """Return settings and state; the seed in it must stay secret."""
        return {
            "kind": self.kind,
            "threshold": self.threshold,
            "sigma": self.sigma,
            "budget": self.budget,
            "noise": self.noise,
            "seed": self.seed,
            "state": {**self._shown.to_dict(), "spent": self.spent},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Thresholdout:
        """Go on where `to_dict` was called."""
        names = ("threshold", "sigma", "budget", "noise", "seed", "state")
        return cls(**{name: data[name] for name in names})
