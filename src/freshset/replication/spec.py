"""The spec of a fresh test set: what is decided before any data is seen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from freshset.core.errors import DataError, did_you_mean
from freshset.core.files import canonical_json, sha256_bytes
from freshset.engine.study_sections import Section, read_section
from freshset.engine.yaml_text import Place, Problem, problems_error, read_yaml
from freshset.replication.spec_sections import (
    ClassSpec,
    DuplicatesSpec,
    PageSpec,
    Policy,
    Positive,
    SamplingSpec,
    SeedsSpec,
    Strategy,
    TasksSpec,
    TestSetId,
    WorkersSpec,
)

__all__ = [
    "ClassSpec",
    "DuplicatesSpec",
    "PageSpec",
    "Policy",
    "SamplingSpec",
    "SeedsSpec",
    "Spec",
    "Strategy",
    "TasksSpec",
    "WorkersSpec",
    "load_spec",
    "parse_spec",
]


class Spec(Section):
    """A whole spec.

    Attributes
    ----------
    name
        Id of the fresh test set, such as ``cifar10/fresh``.
    original
        Id of the test set that is rebuilt.
    classes
        In the order of their ids.
    per_class
        Images that each class shall have.
    """

    name: TestSetId
    original: TestSetId
    classes: tuple[ClassSpec, ...]
    per_class: Positive = 10
    sampling: SamplingSpec = SamplingSpec()
    tasks: TasksSpec = TasksSpec()
    workers: WorkersSpec = WorkersSpec()
    page: PageSpec = PageSpec()
    duplicates: DuplicatesSpec = DuplicatesSpec()
    seeds: SeedsSpec = SeedsSpec()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            f"{message} {hint}".strip()
            for _, message, hint in _contradictions(
                dict(enumerate(self.classes)), {one.key for one in self.classes}, self._parts()
            )
        ]
        if problems:
            raise ValueError(" ".join(problems))
        return self

    def _parts(self) -> dict[str, Section]:
        return {name: getattr(self, name) for name in _PARTS}

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
        body = self.model_dump(mode="json")
        if self.page == PageSpec():
            del body["page"]  # so that specs of before there was this section keep their digests
        return sha256_bytes(canonical_json(body))

    def changes_from(self, other: Spec) -> dict[str, Any]:
        """What differs from another spec: from place to ``[before, after]``.

        Classes are told apart by their keys; ``classes`` has all keys where their order changed.
        """
        before, after = _flat(other), _flat(self)
        changes: dict[str, Any] = {
            place: [before.get(place), after.get(place)]
            for place in sorted(before.keys() | after.keys())
            if before.get(place) != after.get(place)
        }
        orders = [[one.key for one in spec.classes] for spec in (other, self)]
        common = set(orders[0]) & set(orders[1])
        if len({tuple(key for key in keys if key in common) for keys in orders}) > 1:
            changes["classes"] = orders
        return changes


class _Outline(Section):
    """The whole file; every part of it is read by itself, so that all that is wrong is said."""

    name: TestSetId
    original: TestSetId
    classes: list[Any]
    per_class: Positive = 10
    sampling: Any = None
    tasks: Any = None
    workers: Any = None
    page: Any = None
    duplicates: Any = None
    seeds: Any = None


_PARTS: Mapping[str, type[Section]] = {
    "sampling": SamplingSpec,
    "tasks": TasksSpec,
    "workers": WorkersSpec,
    "page": PageSpec,
    "duplicates": DuplicatesSpec,
    "seeds": SeedsSpec,
}


def parse_spec(text: str, name: str = "the spec") -> Spec:
    """Read a spec from YAML.

    Raises
    ------
    UsageError
        When anything in it is wrong: one message with all that is, each with line and place.
    """
    spec, problems = _read(text)
    if spec is None:
        raise problems_error(name, list(problems))
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


@lru_cache(maxsize=8)
def _read(text: str) -> tuple[Spec | None, tuple[Problem, ...]]:
    """Read a spec; the last ones are remembered, as a thousand classes take a second to read."""
    document = read_yaml(text)
    body = document.value
    if body is None and not document.problems:
        document.complain((), "The file is empty.", "A spec has name, original and classes.")
    if document.problems:
        return None, tuple(document.problems)
    read_section(_Outline, body, (), document)
    body = body if isinstance(body, dict) else {}
    entries = body.get("classes")
    classes: dict[int, ClassSpec] = {}
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        one = read_section(ClassSpec, entry, ("classes", i), document)
        if one is not None:
            classes[i] = one
    parts: dict[str, Section] = {}
    for key, kind in _PARTS.items():
        part = read_section(kind, body.get(key, {}), (key,), document)
        if part is not None:
            parts[key] = part
    if isinstance(entries, list):
        # Also the keys of classes in which something else is wrong.
        known = {str(entry.get("key")) for entry in entries if isinstance(entry, dict)}
        for place, message, hint in _contradictions(classes, known, parts):
            document.complain(place, message, hint)
    if document.problems:
        return None, tuple(document.problems)
    return Spec.model_validate({**body, "classes": tuple(classes.values()), **parts}), ()


def _contradictions(
    classes: Mapping[int, ClassSpec], known: Collection[str], parts: Mapping[str, Section]
) -> Iterator[tuple[Place, str, str]]:
    """Places, messages and hints of what cannot be meant together, as far as it could be read."""
    if not known:
        yield ("classes",), "There are no classes.", "List at least one."
    sampling, tasks = parts.get("sampling"), parts.get("tasks")
    strategy = sampling.strategy if isinstance(sampling, SamplingSpec) else "threshold"
    seen: set[str] = set()
    for i, one in classes.items():
        place = ("classes", i)
        if one.key in seen:
            yield (*place, "key"), f"The class {one.key!r} occurs twice.", "Remove one."
        seen.add(one.key)
        other = one.confused_with
        if other and other not in known:
            message = f"{one.key!r} is confused with {other!r}, which is no class here."
            yield (*place, "confused_with"), message, did_you_mean(other, known)
        if other and other == one.key:
            yield (*place, "confused_with"), f"{one.key!r} is confused with itself.", ""
        if one.threshold is not None and strategy != "threshold":
            message = f"{one.key!r} has a threshold, which the strategy {strategy} ignores."
            yield (*place, "threshold"), message, "Remove it."
    if not isinstance(tasks, TasksSpec):
        return
    if tasks.negatives and len(known) == 1:
        message = "Negative controls need a second class."
        yield ("tasks", "negatives"), message, "Set tasks.negatives to 0."
    if isinstance(sampling, SamplingSpec) and sampling.min_answers > tasks.answers:
        message = (
            f"sampling.min_answers {sampling.min_answers} is more than the {tasks.answers} answers "
            "that a task gets."
        )
        yield ("sampling", "min_answers"), message, "Raise tasks.answers, or lower it."


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
