"""Policies by name: from options, and from what they were saved as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from freshset.core.errors import UsageError, did_you_mean
from freshset.protocols.ladder import FreeLadder, Ladder
from freshset.protocols.policy import Exact, Policy, Rounded
from freshset.protocols.thresholdout import Noise, Thresholdout

_SAVED: dict[str, Callable[[Mapping[str, Any]], Policy]] = {
    Exact.kind: Exact.from_dict,
    Rounded.kind: Rounded.from_dict,
    Ladder.kind: Ladder.from_dict,
    FreeLadder.kind: FreeLadder.from_dict,
    Thresholdout.kind: Thresholdout.from_dict,
}

NAMES = tuple(_SAVED)


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """Which policy, with its settings; nothing in it is secret.

    Attributes
    ----------
    kind
        ``exact``, ``rounded``, ``ladder-step``, ``ladder`` (without parameters) or ``thresholdout``.
    step
        Of ``rounded`` and ``ladder-step``, as it is written; empty for the others.
    threshold, sigma, budget, noise
        Of ``thresholdout``; see `freshset.protocols.thresholdout.Thresholdout`.
    """

    kind: str = "ladder"
    step: str = ""
    threshold: float | None = None
    sigma: float | None = None
    budget: int | None = None
    noise: Noise = "laplace"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values of the settings that the policy has."""
        names = {
            "rounded": ("step",), "ladder-step": ("step",),
            "thresholdout": ("threshold", "sigma", "budget", "noise"),
        }.get(self.kind, ())  # fmt: skip
        return {"kind": self.kind, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PolicySpec:
        """Read what `to_dict` wrote."""
        return cls(**data)

    def make(self, seed: int = 0) -> Policy:
        """Make the policy, as it is before the first submission.

        Parameters
        ----------
        seed
            Of the noise of ``thresholdout``.

        Raises
        ------
        UsageError
            For an unknown kind, or settings that are missing or belong to another kind.
        """
        if self.kind not in _SAVED:
            raise UsageError(f"Unknown policy {self.kind!r}.", did_you_mean(self.kind, NAMES))
        self._check()
        if self.kind == "rounded":
            return Rounded(step=self.step)
        if self.kind == "ladder-step":
            return Ladder(step=self.step)
        if self.kind == "thresholdout" and self.threshold is not None and self.sigma is not None:
            return Thresholdout(
                threshold=self.threshold, sigma=self.sigma, budget=self.budget, noise=self.noise,
                seed=seed,
            )  # fmt: skip
        return FreeLadder() if self.kind == "ladder" else Exact()

    def _check(self) -> None:
        stepped = self.kind in {"rounded", "ladder-step"}
        if stepped != bool(self.step):
            what = "needs a step" if stepped else "takes no step"
            raise UsageError(f"The policy {self.kind} {what}.", "A step is such as 0.01.")
        noisy = self.kind == "thresholdout"
        for name in ("threshold", "sigma"):
            if noisy != (getattr(self, name) is not None):
                what = "needs" if noisy else "takes no"
                raise UsageError(
                    f"The policy {self.kind} {what} {name}.", "They are of thresholdout."
                )
        if not noisy and self.budget is not None:
            raise UsageError(f"The policy {self.kind} takes no budget.", "It is of thresholdout.")


def policy_from_dict(data: Mapping[str, Any]) -> Policy:
    """Go on with a policy that was saved by its ``to_dict``.

    Raises
    ------
    UsageError
        For an unknown kind.
    """
    kind = str(data.get("kind"))
    if kind not in _SAVED:
        raise UsageError(f"Unknown policy {kind!r}.", did_you_mean(kind, NAMES))
    return _SAVED[kind](data)
