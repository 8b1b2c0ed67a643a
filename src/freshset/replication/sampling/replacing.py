"""What would take the place of images that a reviewer finds no good, and putting it there.

Nobody chooses the replacement: it is what the next draw takes, by the strategy and the seed of the
spec, from the revision that is looked at.  Showing it beforehand writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import ConflictError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.replication.collecting.excluding import blacklist_within
from freshset.replication.duplicates.state import renewed
from freshset.replication.project import Project
from freshset.replication.revisions.chain import Head, head, heads, load
from freshset.replication.revisions.document import Item, Removed, Revision
from freshset.replication.sampling.choose import Ground, draw_within, free_name, next_revision


@dataclass(frozen=True, slots=True)
class Replaced:
    """What changes in one class.

    Attributes
    ----------
    gone
        Images that leave, each with its reason.
    come
        Images that come in their place.
    missing
        How many images the class then lacks.
    """

    class_key: str
    gone: tuple[Removed, ...]
    come: tuple[Item, ...]
    missing: int


@dataclass(frozen=True, slots=True)
class Replacements:
    """What the next draw would change.

    Attributes
    ----------
    digest
        Of the revision that would be drawn.
    classes
        Those that change, in the order of their keys.
    """

    digest: str
    classes: tuple[Replaced, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def replacements_of(
    connection: sa.Connection, ground: Ground, parent: str, items: Sequence[str]
) -> Replacements:
    """Say what the next draw from a revision would change if some images were on the blacklist.

    Images of other classes change too where something else has happened since the revision was drawn,
    or where one that is left out was the one kept of a component of duplicates.

    Parameters
    ----------
    ground
        What eligibility depends on, of some time; what reviewers have said is read anew.

    Raises
    ------
    UsageError
        When there is no such revision, an image is not of it, or none is named.
    """
    before = load(connection, parent)
    _check_items(before, parent, items)
    state = renewed(connection, ground.state)
    choice = ground.choice(replace(state, excluded=state.excluded.union(items)))
    return changes_of(next_revision(choice, choice.spec.seeds.sample, before))


def changes_of(after: Revision) -> Replacements:
    """What a revision changed in the one that it was drawn from."""
    gone: defaultdict[str, list[Removed]] = defaultdict(list)
    come: defaultdict[str, list[Item]] = defaultdict(list)
    for one in after.removed:
        gone[one.class_key].append(one)
    for item in after.items:
        if item.how != "kept":
            come[item.class_key].append(item)
    changed = sorted(gone.keys() | come.keys())
    return Replacements(
        after.digest,
        tuple(
            Replaced(
                key, tuple(gone[key]), tuple(come[key]), sum(after.missing.get(key, {}).values())
            )
            for key in changed
        ),
    )


def replace_images(
    project: Project,
    frequencies: Frequencies,
    parent: str,
    items: Sequence[str],
    *,
    who: str,
    why: str,
) -> Head:
    """Blacklist images of a revision and draw the next one from it: both happen, or neither does.

    Classes whose images are the same keep their good reviews.

    Raises
    ------
    UsageError
        As of `replacements_of`.
    ConflictError
        When somebody has drawn a revision from this one meanwhile.  Their work would otherwise have to
        be done again on a branch of its own.
    """
    with project.together() as together:
        with together.change("image.blacklist", who=who, why=why) as change:
            one = head(change.connection, parent)
            _check_latest(heads(change.connection), one)
            _check_items(load(change.connection, parent), parent, items)
            blacklist_within(change, items, why)
            name = free_name(change.connection)
        with together.change("revision.sample", who=who, why=why, subject=name) as change:
            return draw_within(change, frequencies, name, parent)


def children_of(known: Sequence[Head], name: str) -> list[str]:
    """Names of the revisions that were drawn from one, oldest first."""
    return [one.name for one in known if one.parent == name]


def _check_latest(known: Sequence[Head], one: Head) -> None:
    children = children_of(known, one.name)
    if children:
        raise ConflictError(
            f"Meanwhile {children[-1]!r} was drawn from {one.name!r}. Nothing was changed.",
            f"Go on with {children[-1]!r}, which holds what others have replaced.",
        )


def _check_items(revision: Revision, name: str, items: Sequence[str]) -> None:
    if not items:
        raise UsageError("No image is named.", "Tick those that are no good.")
    there = {item.item_id for item in revision.items}
    strange = [one for one in items if one not in there]
    if strange:
        raise UsageError(f"Revision {name!r} has no image {strange[0]!r}.", "Name one that it has.")
