"""The answer: models in order, in groups that the data cannot tell apart, with what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freshset.version import __version__


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was tried.

    Attributes
    ----------
    accuracy, low, high
        Of its probe on the images that models are judged by, with Wilson's interval.
    group
        Tie group, from 1; within a group nobody is said to be better.
    milliseconds
        To read an image and take its features, as measured here.
    scores
        Transferability scores that need no training, by name.
    penalty
        Of the probe.
    finetuning
        Seconds that fine-tuning would take here, by budget; empty but for the first few.
    warnings
        What a reader should know.
    """

    model: str
    accuracy: float
    low: float
    high: float
    group: int
    milliseconds: float
    scores: Mapping[str, float]
    penalty: float
    finetuning: Mapping[str, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Untried:
    """A model without a result, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Picked:
    """The answer.

    Attributes
    ----------
    dataset
        Its title.
    n_train, n_judged
        Images that probes learned from, and other images that they were judged by.
    n_classes
        Classes.
    candidates
        Best first.
    untried
        Models that failed, or had no time.
    seconds
        That it took.
    notes
        What a reader should know of the images.
    level
        Of the intervals and groups.
    """

    dataset: str
    n_train: int
    n_judged: int
    n_classes: int
    candidates: tuple[Candidate, ...]
    untried: tuple[Untried, ...]
    seconds: float
    notes: tuple[str, ...]
    level: float

    @property
    def advice(self) -> str:
        """The answer in one or two sentences."""
        if not self.candidates:
            return "No model was tried to the end."
        tied = [one for one in self.candidates if one.group == 1]
        best = self.candidates[0]
        if len(self.candidates) == 1:
            return f"{best.model} is the only model that was tried."
        if len(tied) == 1:
            return f"Take {best.model}: it is better than all others on these images."
        cheapest = min(tied, key=lambda one: one.milliseconds)
        text = f"These images cannot tell the first {len(tied)} models apart."
        if cheapest is not best:
            return f"{text} {cheapest.model} is the cheapest of them."
        return f"{text} {best.model} is both the first and the cheapest of them."

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``freshset.transfer-pick/1``."""
        body = asdict(self)
        return {
            "schema": "freshset.transfer-pick/1",
            "version": __version__,
            "advice": self.advice,
            **body,
            "candidates": [asdict(one) for one in self.candidates],
            "untried": [asdict(one) for one in self.untried],
            "notes": list(self.notes),
        }
