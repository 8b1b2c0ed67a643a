"""Revisions: drawn test sets as documents that name themselves by their digest.

A document holds everything that the draw depended on, by value or by digest, and the digest of the
revision that it began from.  A change anywhere in the chain therefore shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes

SCHEMA = "freshset.revision/1"

Counts = Mapping[str, Mapping[str, int]]
"""Numbers by class and by group or reason."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a revision.

    Attributes
    ----------
    selected, answers
        Its selection frequency when it was drawn.
    group
        The bin or keyword it is of; ``all`` where a class is not divided.
    slot
        The group it is counted for: a lower one after an upward draw, else the same.
    how
        ``kept`` from the parent, ``drawn``, or ``upward``.
    """

    item_id: str
    class_key: str
    selected: float
    answers: float
    group: str
    slot: str
    how: str


@dataclass(frozen=True, slots=True)
class Removed:
    """One image that the parent had and the revision has not.

    Attributes
    ----------
    reason
        One of `freshset.replication.sampling.eligibility.REASONS`; ``surplus`` where it is eligible and its
        group had no room, as after a change of bin; ``no-candidate`` where it is one no longer.
    """

    item_id: str
    class_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A drawn test set.

    Attributes
    ----------
    strategy, seed
        How it was drawn.
    rules
        The spec's section on sampling, and the distances by metric up to which neighbours had to be
        reviewed (``reviewed_to``).
    spec, policy, pools
        Digests: of the whole spec; of its sections on workers, sampling and duplicates; of every
        candidate with its answers and the reason why it was not eligible.
    parent
        Digest of the revision it began from; empty for a first one.
    targets, missing, upward
        Images by class and group: asked for, not found, and filled by an upward draw.
    eligibility
        Candidates by class: how many were eligible, and how many each reason excluded.
    items
        In the order of the test set.
    removed
        What the parent had besides, in the order of the parent.
    """

    strategy: str
    seed: int
    rules: Mapping[str, Any]
    spec: str
    policy: str
    pools: str
    parent: str
    targets: Counts
    missing: Counts
    upward: Counts
    eligibility: Counts
    items: tuple[Item, ...]
    removed: tuple[Removed, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether every class has its number of images."""
        return not self.missing

    @property
    def digest(self) -> str:
        """SHA-256 of the document."""
        return sha256_bytes(canonical_json(self.to_dict()))

    @property
    def item_ids(self) -> dict[str, frozenset[str]]:
        """The images of each class of the targets."""
        out: dict[str, set[str]] = {key: set() for key in self.targets}
        for item in self.items:
            out[item.class_key].add(item.item_id)
        return {key: frozenset(ids) for key, ids in out.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the document; items and removed images are rows under the names of columns."""
        body = {name: getattr(self, name) for name in (f.name for f in fields(self))}
        return {
            "schema": SCHEMA,
            **body,
            "is_valid": self.is_valid,
            "items": _rows(Item, self.items),
            "removed": _rows(Removed, self.removed),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`.

        Raises
        ------
        DataError
            When it is no such document.
        """
        try:
            if document["schema"] != SCHEMA:
                raise DataError(
                    f"A revision of schema {document['schema']!r}; this freshset reads {SCHEMA!r}.",
                    "Update freshset: pip install --upgrade freshset",
                )
            body = {f.name: document[f.name] for f in fields(cls)}
            body["items"] = _things(Item, document["items"])
            body["removed"] = _things(Removed, document["removed"])
            return cls(**body)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"A revision document lacks something ({error!r}).") from error

    def summary(self) -> dict[str, Any]:
        """Counts for people and for the log."""
        upward = sum(sum(one.values()) for one in self.upward.values())
        missing = sum(sum(one.values()) for one in self.missing.values())
        kept = sum(item.how == "kept" for item in self.items)
        gone = Counter(one.reason for one in self.removed)
        return {
            "strategy": self.strategy,
            "seed": self.seed,
            "images": len(self.items),
            "kept": kept,
            "upward": upward,
            "missing": missing,
            "removed": dict(sorted(gone.items())),
            "is_valid": self.is_valid,
        }


def removed(before: Revision, after: Revision) -> tuple[Item, ...]:
    """Images of a revision that the next one has no longer, in the order of the first."""
    left = {(item.item_id, item.class_key) for item in after.items}
    return tuple(item for item in before.items if (item.item_id, item.class_key) not in left)


def _rows(kind: type[Item | Removed], things: Sequence[Any]) -> dict[str, Any]:
    columns = [f.name for f in fields(kind)]
    return {"columns": columns, "rows": [[getattr(one, c) for c in columns] for one in things]}


def _things(kind: type[Any], table: Mapping[str, Any]) -> tuple[Any, ...]:
    names = table["columns"]
    return tuple(kind(**dict(zip(names, row, strict=True))) for row in table["rows"])
