"""Final reviews of a revision, class by class, before it is frozen.

A review says that someone looked at all images of a class of a revision together.  It rests on exactly
these images and on the words that say what the class is; when either changes, it no longer holds.
Images that are no good are blacklisted, and the next revision is drawn from this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Literal, get_args

import sqlalchemy as sa

from freshset.core.errors import ConflictError, NotFoundError, UsageError, did_you_mean
from freshset.core.files import canonical_json, sha256_bytes
from freshset.replication.collecting.excluding import excluded
from freshset.replication.project import Change, Project
from freshset.replication.revisions.chain import Head, head, heads, load
from freshset.replication.revisions.document import Revision
from freshset.replication.spec import Spec, parse_spec
from freshset.replication.tables import class_reviews, images, members, specs

Verdict = Literal["open", "good", "problematic"]


@dataclass(frozen=True, slots=True)
class ClassReview:
    """What is known of one class of a revision.

    Attributes
    ----------
    verdict
        ``good``, ``problematic``, or ``open`` where nobody has looked yet.
    stale
        Whether the class's definition has changed since, so that the review no longer holds.
    who, at
        Of the last verdict; empty where there is none.
    version
        0 where nobody has looked, then one more with every verdict.
    """

    class_key: str
    verdict: Verdict
    stale: bool
    who: str
    at: str
    version: int

    @property
    def holds(self) -> bool:
        """Whether the class may be frozen."""
        return self.verdict == "good" and not self.stale

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on a class.

    Attributes
    ----------
    version
        Of the review that was seen; 0 where there was none.  When somebody gave a verdict in the
        meantime, this one is refused, so that no edit is lost.
    """

    class_key: str
    verdict: Verdict
    version: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """An image that a reviewer looks at.

    Attributes
    ----------
    path
        Relative to the project's folder; empty where the image was taken down.
    part
        ``fresh``, or ``original`` for one to compare with.
    selected, answers, group, how
        As in `freshset.replication.revisions.document.Item`; 0 and empty for originals.
    """

    item_id: str
    path: str
    part: Literal["fresh", "original"]
    selected: float = 0.0
    answers: float = 0.0
    group: str = ""
    how: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


def basis_of(item_ids: Iterable[str], definition: str) -> str:
    """Digest of what a review rests on: the set of images, and the digest of the definition."""
    return sha256_bytes(canonical_json({"definition": definition, "items": sorted(item_ids)}))


def reviews_of(connection: sa.Connection, name: str) -> tuple[ClassReview, ...]:
    """Reviews of all classes of a revision, in the order of their keys.

    Raises
    ------
    UsageError
        When there is no such revision.
    """
    revision = load(connection, name)
    bases = _bases(revision, spec_in_force(connection))
    rows = _rows(connection, name)
    return tuple(_review(key, rows.get(key), bases[key]) for key in sorted(bases))


def images_to_review(
    connection: sa.Connection, name: str, class_key: str, *, originals: int = 10
) -> tuple[Shown, ...]:
    """Images of a class of a revision, and a few original ones at random to compare them with.

    Raises
    ------
    UsageError
        When there is no such revision or class.
    """
    revision = load(connection, name)
    _check_class(revision, name, class_key)
    here = (members.c.pool == "test") & (members.c.class_key == class_key)
    known = sorted(connection.execute(sa.select(members.c.item_id).where(here)).scalars())
    some = Random(revision.seed).sample(known, min(originals, len(known)))  # noqa: S311  # no secret
    own = [item.item_id for item in revision.items if item.class_key == class_key]
    paths = _paths(connection, [*own, *some])
    fresh = [
        Shown(
            item.item_id, paths.get(item.item_id, ""), "fresh",
            item.selected, item.answers, item.group, item.how,
        )
        for item in revision.items
        if item.class_key == class_key
    ]  # fmt: skip
    return (
        *sorted(fresh, key=lambda one: one.item_id),
        *(Shown(one, paths.get(one, ""), "original") for one in some),
    )


def _paths(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """Files of some images that were not taken down."""
    gone = excluded(connection, kind="takedown")
    out: dict[str, str] = {}
    for start in range(0, len(ids), 500):
        some = images.c.item_id.in_(ids[start : start + 500])
        rows = connection.execute(sa.select(images.c.item_id, images.c.path).where(some))
        out |= {row.item_id: row.path for row in rows if row.item_id not in gone}
    return out


def set_reviews(
    project: Project, name: str, judgements: Sequence[Judgement], *, who: str, why: str
) -> tuple[ClassReview, ...]:
    """Give verdicts on classes of a revision: all of them, or none when one is refused.

    Where another revision was drawn from this one meanwhile, good reviews are passed on to it as if
    they had been there before, see `carry_over`; a review that it has already stays.

    Raises
    ------
    UsageError
        When there is no such revision, class or verdict, the revision is frozen, or a class is judged
        twice.
    ConflictError
        When somebody else gave a verdict after the review that was seen.
    """
    with project.change("revision.review", who=who, why=why, subject=name) as change:
        if head(change.connection, name).state == "frozen":
            raise UsageError(
                f"Revision {name!r} is frozen, so that its reviews are closed.",
                f"Draw another one from it: freshset testset sample --parent {name}",
            )
        revision = load(change.connection, name)
        bases = _bases(revision, spec_in_force(change.connection))
        before = _rows(change.connection, name)
        said: dict[str, Any] = {}
        given = []
        for one in judgements:
            key, old = one.class_key, before.get(one.class_key)
            _check(revision, name, one, said)
            if (0 if old is None else old.version) != one.version:
                raise _conflict(name, one, old)
            row = _row(name, key, one.verdict) | {"basis": bases[key], "who": who, "at": change.at}
            _write(change, row | {"version": one.version + 1})
            said[key] = {"before": _verdict(old), "after": one.verdict, "version": one.version + 1}
            review = ClassReview(
                key, one.verdict, stale=False, who=who, at=change.at, version=one.version + 1
            )
            given.append(review)
        change.detail["classes"] = said
        good = [one.class_key for one in given if one.verdict == "good"]
        passed_on = _pass_on(change, name, good) if good else []
        if passed_on:
            change.detail["passed_on"] = passed_on
    return tuple(given)


def _pass_on(change: Change, name: str, keys: Sequence[str]) -> list[list[str]]:
    """Let drafts that come from a revision have its good reviews of some classes; returns which."""
    done = []
    for child in heads(change.connection):
        if child.parent != name or child.state == "frozen":
            continue
        there, given = _rows(change.connection, child.name), _rows(change.connection, name)
        revision = load(change.connection, child.name)
        bases = _bases(revision, spec_in_force(change.connection))
        new = [key for key in keys if key not in there and given[key].basis == bases.get(key)]
        for key in new:
            _write(change, dict(given[key]._mapping) | {"revision": child.name, "version": 1})  # noqa: SLF001
            done.append([child.name, key])
        done += _pass_on(change, child.name, new) if new else []
    return done


def carry_over(change: Change, parent: Head, child: str, revision: Revision) -> int:
    """Let a new revision have its parent's good reviews of classes that are the same in both.

    A class keeps its review only where it was good and holds still, and the very same images are in
    both revisions.  What was problematic is open again.

    Returns
    -------
    int
        How many classes keep their reviews.

    Notes
    -----
    The rule of ImageNetV2's ``initialize_dataset_review``, which knew nothing of definitions.
    """
    bases = _bases(revision, spec_in_force(change.connection))
    kept = [
        row
        for key, row in _rows(change.connection, parent.name).items()
        if key in bases and _verdict(row) == "good" and row.basis == bases[key]
    ]
    for row in kept:
        _write(change, dict(row._mapping) | {"revision": child, "version": 1})  # noqa: SLF001
    return len(kept)


def spec_in_force(connection: sa.Connection) -> Spec:
    """Read the spec that is in force within a transaction."""
    query = sa.select(specs.c.text).order_by(specs.c.version.desc()).limit(1)
    return parse_spec(str(connection.execute(query).scalar_one()))


def _check(revision: Revision, name: str, one: Judgement, said: Mapping[str, object]) -> None:
    if one.verdict not in get_args(Verdict):
        raise UsageError(
            f"{one.class_key!r}: no verdict {one.verdict!r}.",
            did_you_mean(one.verdict, get_args(Verdict)),
        )
    _check_class(revision, name, one.class_key)
    if one.class_key in said:
        raise UsageError(f"Two verdicts on {one.class_key!r}.", "Give one.")


def _check_class(revision: Revision, name: str, class_key: str) -> None:
    if class_key not in revision.targets:
        hint = did_you_mean(class_key, revision.targets)
        raise NotFoundError(f"Revision {name!r} has no class {class_key!r}.", hint)


def _bases(revision: Revision, spec: Spec) -> dict[str, str]:
    digests = {one.key: one.digest for one in spec.classes}
    return {
        key: basis_of(ids, digests.get(key, "no class of the spec"))
        for key, ids in revision.item_ids.items()
    }


def _rows(connection: sa.Connection, name: str) -> Mapping[str, sa.Row[Any]]:
    query = sa.select(class_reviews).where(class_reviews.c.revision == name)
    return {row.class_key: row for row in connection.execute(query)}


def _row(name: str, class_key: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "revision": name,
        "class_key": class_key,
        "reviewed": verdict != "open",
        "problematic": verdict == "problematic",
    }


def _write(change: Change, row: dict[str, Any]) -> None:
    c = class_reviews.c
    same = (c.revision == row["revision"]) & (c.class_key == row["class_key"])
    change.connection.execute(sa.delete(class_reviews).where(same))
    change.connection.execute(sa.insert(class_reviews), [row])


def _verdict(row: sa.Row[Any] | None) -> Verdict:
    if row is None or not row.reviewed:
        return "open"
    return "problematic" if row.problematic else "good"


def _review(class_key: str, row: sa.Row[Any] | None, basis: str) -> ClassReview:
    if row is None:
        return ClassReview(class_key, "open", stale=False, who="", at="", version=0)
    stale = row.basis != basis
    return ClassReview(class_key, _verdict(row), stale, row.who, row.at, row.version)


def _conflict(name: str, one: Judgement, before: sa.Row[Any] | None) -> ConflictError:
    key = one.class_key
    if before is None:
        return ConflictError(
            f"{name!r}: nobody has reviewed {key!r}, so that there is no version {one.version}.",
            "Give version 0.",
        )
    return ConflictError(
        f"{name!r}: {before.who} found {key!r} {_verdict(before)} at {before.at} (version "
        f"{before.version}), which is not the review that you saw (version {one.version}).",
        f"Look at the class again; to put your verdict in its place give version {before.version}.",
    )
