"""The sections of the spec of a fresh test set: their keys, types and defaults."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from freshset.core.errors import UsageError
from freshset.core.files import canonical_json, sha256_bytes
from freshset.core.identifiers import canonical_testset
from freshset.engine.study_sections import Section

Strategy = Literal["matched-frequency", "threshold", "top", "random", "keyword-quota"]
Policy = Literal["warn", "drop", "weight"]


def _fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is not between 0 and 1.")
    return value


def _testset(value: str) -> str:
    try:
        return canonical_testset(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


def _key(value: str) -> str:
    # Packages have a folder for each class.
    if not value or value != value.strip() or value.startswith(".") or len(value) > 255:
        raise ValueError(f"{value!r} is no key: one has 1 to 255 letters, and no dot first.")
    if "/" in value or "\\" in value or not value.isprintable():
        raise ValueError(f"{value!r} is no key: it would not do as the name of a folder.")
    return value


Fraction = Annotated[float, AfterValidator(_fraction)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
TestSetId = Annotated[str, AfterValidator(_testset)]
ClassKey = Annotated[str, AfterValidator(_key)]


class ClassSpec(Section):
    """One class.

    Attributes
    ----------
    key
        Stable key, such as a wnid; the classes' ids are their places in the spec.
    name
        For people; the key by default.
    definition
        What workers read.  A change of it makes reviews of the class invalid.
    synonyms
        Search words, and what workers read beside the name.
    links
        Pages that explain the class.
    confused_with
        Key of the class whose original images are the negative controls.
    per_class, threshold
        In place of those of the spec.
    """

    key: ClassKey
    name: str = ""
    definition: str = ""
    synonyms: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    confused_with: str = ""
    per_class: Positive | None = None
    threshold: Fraction | None = None

    @property
    def title(self) -> str:
        """Its name, or its key where it has none."""
        return self.name or self.key

    @property
    def digest(self) -> str:
        """Digest of what workers and reviewers were told the class is."""
        told = {"key": self.key, "name": self.name, "definition": self.definition}
        return sha256_bytes(canonical_json(told | {"synonyms": list(self.synonyms)}))


class SamplingSpec(Section):
    """How images are chosen.

    Attributes
    ----------
    strategy
        ``matched-frequency``, ``threshold``, ``top``, ``random`` (balanced by class) or
        ``keyword-quota``.
    threshold
        Least selection frequency for ``threshold``.
    bins
        Inner edges for ``matched-frequency``: bins are half open, the last one is closed.
    upward
        Whether a bin that lacks images may be filled from the next higher one that has some.
    min_answers
        An image with fewer answers for its class is not eligible.
    min_original_images
        Original images with as many answers that a class needs before its histogram counts.
    """

    strategy: Strategy = "matched-frequency"
    threshold: Fraction = 0.7
    bins: tuple[Fraction, ...] = (0.2, 0.4, 0.6, 0.8)
    upward: bool = False
    min_answers: Count = 10
    min_original_images: Count = 20

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        if any(low >= high for low, high in pairwise((0.0, *self.bins, 1.0))):
            problems.append(f"bins {list(self.bins)} do not rise from above 0 to below 1.")
        if self.upward and self.strategy != "matched-frequency":
            problems.append(f"upward goes with matched-frequency, not with {self.strategy}.")
        if "threshold" in self.model_fields_set and self.strategy != "threshold":
            problems.append(f"threshold goes with strategy threshold, not with {self.strategy}.")
        if problems:
            raise ValueError(" ".join(text[0].upper() + text[1:] for text in problems))
        return self


class TasksSpec(Section):
    """How candidates are shown to workers.

    Attributes
    ----------
    grid
        Images of one task.
    positives, negatives
        Controls among them: original images of the class, and of the one it is confused with.
    answers
        Workers asked about each task.
    reward
        Dollars for one task and worker.
    seconds
        Time a worker has.
    """

    grid: Positive = 48
    positives: Count = 3
    negatives: Count = 3
    answers: Positive = 10
    reward: Annotated[float, Field(ge=0)] = 0.10
    seconds: Positive = 600

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.positives + self.negatives >= self.grid:
            raise ValueError(
                f"{self.positives} + {self.negatives} controls leave no room in a grid of {self.grid}."
            )
        return self


class WorkersSpec(Section):
    """What is done about workers who miss controls.

    Attributes
    ----------
    policy
        ``warn`` keeps their answers, ``drop`` leaves them out, ``weight`` counts every answer by the
        worker's accuracy on controls above chance.  Both versions are always reported.
    min_accuracy
        Least share of controls right.
    min_controls
        Controls that a worker must have seen before the policy applies.
    """

    policy: Policy = "warn"
    min_accuracy: Fraction = 0.7
    min_controls: Positive = 12


class PageSpec(Section):
    """What people are told and asked in the browser before they label.

    Attributes
    ----------
    instructions
        How to label, shown before the first task and beside each; paragraphs are parted by empty lines.
    consent
        What workers agree to before they begin; nobody is asked where it is empty.
    qualification
        Images of a short trial with known answers, which a worker must pass first; 0 for none.
    pass_mark
        Least share of them right.
    """

    instructions: str = ""
    consent: str = ""
    qualification: Count = 0
    pass_mark: Fraction = 0.8


class DuplicatesSpec(Section):
    """When an image is too close to another.

    Attributes
    ----------
    thresholds
        Distance by metric up to which a pair is reviewed, such as ``{pixels: 1.2e8, ssim: 0.2205}``;
        squared distances for ``pixels``, ``fc7`` and features from a file, (1 - SSIM) / 2 for
        ``ssim``, bits for ``phash``.
    neighbours
        Nearest images that are kept and reviewed.
    good
        Selection frequency from which an image of a component counts as good.
    """

    thresholds: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    neighbours: Positive = 30
    good: Fraction = 0.7


class SeedsSpec(Section):
    """Seeds, from which every draw comes."""

    tasks: Count = 0
    sample: Count = 0
