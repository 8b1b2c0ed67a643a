"""What an audit of test sets found, schema ``freshset.audit/1``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from freshset.core.issues import Issue, Severity, at_least
from freshset.stats.types import none_if_nan

SCHEMA = "freshset.audit/1"


@dataclass(frozen=True, slots=True)
class OriginalDuplicate:
    """An image that is a near-duplicate of an original one.

    ``direct`` says whether the pair itself was marked; otherwise other images link the two.
    """

    item_id: str
    class_key: str
    original: str
    original_class: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Images of one set that are near-duplicates of each other, and their classes."""

    item_ids: tuple[str, ...]
    class_keys: tuple[str, ...]

    @property
    def same_class(self) -> bool:
        """Whether two of them are in one class."""
        return len(set(self.class_keys)) < len(self.class_keys)


@dataclass(frozen=True, slots=True)
class Named:
    """An image with what is said of it: why it is blacklisted, or cannot be read."""

    item_id: str
    class_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetAudit:
    """What was found in one set.

    Attributes
    ----------
    items, classes
        Rows, and classes among them.
    smallest, largest
        Images of the class that has the fewest, and the most.
    original_duplicates, groups, blacklisted, unreadable
        See their classes.
    repeated
        Images that occur more than once, by bytes.
    wrong_sizes
        Classes that do not have as many images as they should: class key, images, wanted.
    mean_frequency
        Mean selection frequency of the images that have one; nan when none has.
    unknown_frequency
        Images without answers.
    """

    name: str
    items: int
    classes: int
    smallest: int
    largest: int
    original_duplicates: tuple[OriginalDuplicate, ...]
    groups: tuple[Group, ...]
    blacklisted: tuple[Named, ...]
    unreadable: tuple[Named, ...]
    repeated: tuple[str, ...]
    wrong_sizes: tuple[tuple[str, int, int], ...]
    mean_frequency: float
    unknown_frequency: int

    @property
    def same_class_groups(self) -> tuple[Group, ...]:
        """Groups in which one class has two images."""
        return tuple(group for group in self.groups if group.same_class)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Images that two sets share."""

    a: str
    b: str
    shared: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything an audit found.

    Attributes
    ----------
    union
        Different images in all sets together.
    issues
        Worst first.
    """

    sets: tuple[SetAudit, ...]
    overlaps: tuple[Overlap, ...]
    union: int
    issues: tuple[Issue, ...]

    def at_least(self, severity: Severity) -> tuple[Issue, ...]:
        """Issues of this severity or worse."""
        return at_least(self.issues, severity)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.audit/1``."""
        sets = [
            asdict(one)
            | {
                "mean_frequency": none_if_nan(one.mean_frequency),
                "same_class_groups": len(one.same_class_groups),
            }
            for one in self.sets
        ]
        return {
            "schema": SCHEMA,
            "sets": sets,
            "overlaps": [asdict(one) for one in self.overlaps],
            "union": self.union,
            "issues": [issue.to_dict() for issue in self.issues],
        }
