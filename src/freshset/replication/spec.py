"""The spec of a fresh test set: what is decided before any data is seen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes
from freshset.engine.study_sections import Section, read_section
from freshset.engine.yaml_text import problems_error, read_yaml

Strategy = Literal["matched-frequency", "threshold", "top", "random", "keyword-quota"]
Policy = Literal["warn", "drop", "weight"]


def _fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is not between 0 and 1.")
    return value


Fraction = Annotated[float, AfterValidator(_fraction)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


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

    key: str
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
        if any(low >= high for low, high in pairwise((0.0, *self.bins, 1.0))):
            raise ValueError(f"bins {list(self.bins)} do not rise from above 0 to below 1.")
        if self.upward and self.strategy != "matched-frequency":
            raise ValueError(f"upward goes with matched-frequency, not with {self.strategy}.")
        if "threshold" in self.model_fields_set and self.strategy != "threshold":
            raise ValueError(f"threshold goes with strategy threshold, not with {self.strategy}.")
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


class DuplicatesSpec(Section):
    """When an image is too close to another.

    Attributes
    ----------
    thresholds
        Distance by metric up to which a pair is reviewed, such as ``{pixels: 1.2e8, ssim: 0.2205}``;
        squared distances for ``pixels`` and ``features``, (1 - SSIM) / 2 for ``ssim``, bits for
        ``phash``.
    neighbours
        Nearest images that are kept and reviewed.
    good
        Selection frequency from which an image of a component counts as good.
    """

    thresholds: dict[str, Annotated[float, Field(ge=0)]] = {}
    neighbours: Positive = 30
    good: Fraction = 0.7


class SeedsSpec(Section):
    """Seeds, from which every draw comes."""

    tasks: Count = 0
    sample: Count = 0
    collect: Count = 0


class Spec(Section):
    """A whole spec.

    Attributes
    ----------
    name
        Id of the fresh test set, such as ``cifar10/fresh``.
    original
        Id of the test set that is rebuilt.
    """

    name: str
    original: str
    classes: tuple[ClassSpec, ...]
    per_class: Positive = 10
    sampling: SamplingSpec = SamplingSpec()
    tasks: TasksSpec = TasksSpec()
    workers: WorkersSpec = WorkersSpec()
    duplicates: DuplicatesSpec = DuplicatesSpec()
    seeds: SeedsSpec = SeedsSpec()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        keys = [one.key for one in self.classes]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        problems = [f"class {key!r} occurs twice." for key in twice]
        if not keys:
            problems.append("there are no classes.")
        known = set(keys)
        for one in self.classes:
            if one.confused_with and one.confused_with not in known:
                problems.append(
                    f"{one.key!r} is confused with {one.confused_with!r}, no class here."
                )
            if one.confused_with == one.key:
                problems.append(f"{one.key!r} is confused with itself.")
            if one.threshold is not None and self.sampling.strategy != "threshold":
                problems.append(
                    f"{one.key!r} has a threshold, which {self.sampling.strategy} ignores."
                )
        if self.tasks.negatives and len(keys) == 1:
            problems.append("negative controls need a second class; set tasks.negatives to 0.")
        if self.sampling.min_answers > self.tasks.answers:
            problems.append(
                f"sampling.min_answers {self.sampling.min_answers} is more than the "
                f"{self.tasks.answers} answers that a task gets."
            )
        if problems:
            raise ValueError(" ".join(text[0].upper() + text[1:] for text in problems))
        return self

    @cached_property
    def by_key(self) -> Mapping[str, ClassSpec]:
        """The classes by key."""
        return {one.key: one for one in self.classes}

    def size_of(self, class_key: str) -> int:
        """Images that a class shall have."""
        own = self.by_key[class_key].per_class
        return self.per_class if own is None else own

    @property
    def digest(self) -> str:
        """Digest of the whole spec, defaults included."""
        return sha256_bytes(canonical_json(self.model_dump(mode="json")))

    def changes_from(self, other: Spec) -> dict[str, Any]:
        """What differs from another spec: from place to ``[before, after]``."""
        before, after = _flat(other), _flat(self)
        return {
            place: [before.get(place), after.get(place)]
            for place in sorted(before.keys() | after.keys())
            if before.get(place) != after.get(place)
        }


def parse_spec(text: str, name: str = "the spec") -> Spec:
    """Read a spec from YAML.

    Raises
    ------
    UsageError
        When anything in it is wrong: one message with all that is, each with line and place.
    """
    document = read_yaml(text)
    spec = None
    if document.value is None and not document.problems:
        document.complain((), "The file is empty.", "A spec has name, original and classes.")
    elif not document.problems:
        spec = read_section(Spec, document.value, (), document)
    if spec is None or document.problems:
        raise problems_error(name, document.problems)
    return spec


def load_spec(path: Path | str) -> str:
    """Read the text of a spec file and check it.

    Raises
    ------
    DataError
        When the file cannot be read.
    UsageError
        When anything in it is wrong.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", "Give a YAML file.") from error
    parse_spec(text, str(path))
    return text


def _flat(spec: Spec) -> dict[str, Any]:
    out: dict[str, Any] = {}

    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{place}.{key}" if place else key)
        else:
            out[place] = value

    body = spec.model_dump(mode="json")
    body["classes"] = {one["key"]: one for one in body["classes"]}
    walk(body, "")
    return out
