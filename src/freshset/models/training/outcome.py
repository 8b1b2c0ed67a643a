"""What a training run gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from freshset.models.training.data import FloatArray


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a network was doing during training.

    Attributes
    ----------
    step
        Updates so far.
    loss
        Mean training loss of the updates since the last measurement.
    scores
        By judged set.
    """

    step: int
    loss: float
    scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"step": self.step, "loss": self.loss, "scores": dict(self.scores)}


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run gave.

    Attributes
    ----------
    logits
        Of each judged set after the last step, float32, shape (n, n_outputs); empty for a run that
        diverged.
    curve
        Measurements, the last one after the last step.
    diverged
        The update, from 1, whose loss was not finite, or after which logits were not; nothing was
        learned after it.
    stopped
        Updates after which the run was given up as hopeless.
    digest
        SHA-256 of the final weights; empty for a run that diverged.
    seconds
        Spent on all of it, with what a killed process spent up to its last checkpoint.
    images
        Training images that went through the network.
    micro_batch
        Images of one forward and backward pass: fewer than were asked for where memory ran out.
    features
        Of the items that were to be embedded, float32, shape (m, d).
    versions
        Of libraries and device.
    """

    logits: Mapping[str, FloatArray]
    curve: tuple[Measurement, ...]
    diverged: int | None
    stopped: int | None
    digest: str
    seconds: float
    images: int
    micro_batch: int
    features: FloatArray | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: all but logits and features."""
        return {
            "curve": [one.to_dict() for one in self.curve],
            "diverged": self.diverged,
            "stopped": self.stopped,
            "digest": self.digest,
            "seconds": self.seconds,
            "images": self.images,
            "micro_batch": self.micro_batch,
            "versions": dict(self.versions),
        }
