"""How a holdout answers, and what an evaluation must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freshset.core.errors import UsageError
from freshset.protocols.policies import PolicySpec


@dataclass(frozen=True, slots=True)
class Rules:
    """How a holdout answers.

    Attributes
    ----------
    policy
        What is shown.
    looks
        Evaluations in all; the holdout answers no more.
    each
        Evaluations of one person, by the name that they give; 0 for no limit.
    apart
        Whether the policy begins anew for each person, as on a leaderboard, where everybody wants an
        answer about their own.  It then protects against what one person learns, not against many
        who guess together.
    """

    policy: PolicySpec
    looks: int
    each: int = 0
    apart: bool = False

    def check(self) -> None:
        """Raise `UsageError` unless the numbers and the policy can be meant."""
        if self.looks < 1 or self.each < 0:
            raise UsageError("A budget of looks is at least 1.", "Such as --looks 20.")
        if self.apart and self.policy.kind == "thresholdout":
            raise UsageError("Thresholdout has one budget for everybody.", "Leave it together.")
        self.policy.make()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        data = {"policy": self.policy.to_dict(), "looks": self.looks, "each": self.each}
        return data | ({"apart": True} if self.apart else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rules:
        """Read what `to_dict` wrote."""
        return cls(
            PolicySpec.from_dict(data["policy"]), int(data["looks"]), int(data["each"]),
            apart=data.get("apart") is True,
        )  # fmt: skip

    def check_said(self, who: str, model: str, claimed: float | None) -> None:
        """Raise `UsageError` unless an evaluation says what it must; see `Holdout.evaluate`."""
        for what, text in (("who", who), ("model", model)):
            if not text.strip() or not text.isprintable():
                raise UsageError(
                    f"An evaluation needs {what}, in one line.", "The ledger keeps it."
                )
        if claimed is None and self.policy.kind == "thresholdout":
            raise UsageError(
                "Thresholdout compares with an accuracy that the submitter knows.",
                "Claim that on your training or validation data. No look was used.",
            )
        if claimed is not None and not 0 <= claimed <= 1:
            raise UsageError("A claimed accuracy lies between 0 and 1.", "No look was used.")
