"""Freezing: from here on a revision may be predicted on, and is never changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import DataError, UsageError
from freshset.core.files import pretty_json, write_atomic
from freshset.core.provenance import PACKAGE_SCHEMA, beside
from freshset.core.records import TestSet
from freshset.replication.collecting.excluding import excluded
from freshset.replication.duplicates.state import read_state
from freshset.replication.project import Project
from freshset.replication.revisions.chain import Head, descendants, head, heads, load, verify
from freshset.replication.revisions.document import Revision
from freshset.replication.revisions.review import reviews_of, spec_in_force
from freshset.replication.revisions.touched import why_touched
from freshset.replication.spec import Spec, parse_spec
from freshset.replication.tables import images, revisions, specs


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that speaks against freezing a revision.

    Attributes
    ----------
    check
        ``excluded``, ``duplicates``, ``incomplete``, ``reviews`` or ``spec``.
    message
        What, with numbers.
    waivable
        Whether a reason may outweigh it.  Excluded images and duplicates cannot be argued away.
    """

    check: str
    message: str
    waivable: bool


def problems_of(connection: sa.Connection, name: str) -> tuple[Problem, ...]:
    """All that speaks against freezing a revision; nothing, when it is ready.

    Raises
    ------
    UsageError
        When there is no such revision.
    """
    revision = load(connection, name)
    found = (
        _excluded(connection, revision),
        _duplicates(connection, revision),
        _incomplete(revision),
        _reviews(connection, name),
        _spec(connection, revision),
    )
    return tuple(one for one in found if one is not None)


def freeze(project: Project, name: str, *, who: str, why: str, allow_incomplete: str = "") -> Head:
    """Freeze a revision.

    Parameters
    ----------
    allow_incomplete
        The reason to freeze it although images lack, classes are not reviewed or the spec has
        changed; the log keeps it.

    Raises
    ------
    UsageError
        When there is no such revision, it is frozen already, or not ready; names all problems.
    DataError
        When its chain does not hold.
    """
    verify(project, name)
    with project.change("revision.freeze", who=who, why=why, subject=name) as change:
        one = head(change.connection, name)
        if one.state == "frozen":
            raise UsageError(f"Revision {name!r} is frozen already.")
        problems = problems_of(change.connection, name)
        stops = [p for p in problems if not (p.waivable and allow_incomplete.strip())]
        if stops:
            raise UsageError(
                f"Revision {name!r} is not ready. " + " ".join(p.message for p in stops),
                _next(name, stops),
            )
        change.detail |= {"digest": one.digest, "touched": one.touched}
        if problems:
            waived = [p.message for p in problems]
            change.detail |= {"allow_incomplete": allow_incomplete.strip(), "waived": waived}
        _set(change.connection, [name], state="frozen")
        return head(change.connection, name)


def unfreeze(project: Project, name: str, *, who: str, why: str) -> tuple[str, ...]:
    """Make a frozen revision a draft again, and say so for ever.

    Whoever un-freezes a set may have seen predictions on it.  It and all revisions that come from it,
    now or later, are marked as touched, and nothing takes the mark away.

    Returns
    -------
    tuple of str
        The revisions that are marked.

    Raises
    ------
    UsageError
        When there is no such revision, or it is not frozen.
    """
    with project.change("revision.unfreeze", who=who, why=why, subject=name) as change:
        if head(change.connection, name).state != "frozen":
            raise UsageError(f"Revision {name!r} is not frozen.")
        marked = descendants(heads(change.connection), name)
        _set(change.connection, [name], state="draft")
        _set(change.connection, marked, touched=True)
        change.detail["touched"] = marked
    return tuple(marked)


def testset_of(project: Project, name: str) -> TestSet:
    """Return a frozen revision as a test set.

    Returns
    -------
    TestSet
        Called as the spec says with the revision's name behind it.  Classes are those of the spec
        that it was drawn by, in its order; the stratum ``group`` has the bins or keywords.

    Raises
    ------
    UsageError
        When there is no such revision, or it is a draft: predictions on a draft would tell those who
        still choose its images.
    """
    with project.read() as connection:
        revision = _frozen(connection, name)
        spec = _spec_of(connection, revision)
    place = {one.key: number for number, one in enumerate(spec.classes)}
    groups = np.array([item.group for item in revision.items], dtype=object)
    testset = TestSet(
        f"{spec.name}/{name}",
        len(revision.items),
        len(place),
        item_ids=np.array([item.item_id for item in revision.items], dtype=object),
        labels=np.array([place[item.class_key] for item in revision.items], dtype=np.int32),
        ids_given=True,
        class_names=tuple(one.title for one in spec.classes),
        class_keys=tuple(place),
        strata={"group": groups} if len(set(groups.tolist())) > 1 else {},
        touched=why_touched(project, name),
    )
    testset.check(name)
    return testset


def write_manifest(project: Project, name: str, path: Path) -> tuple[str, ...]:
    """Write a csv by which `freshset run` reads a frozen revision's images out of the project.

    A study names it with the adapter ``manifest``, the project's folder as ``root``, the column
    ``class`` as ``labels``, and the spec's class keys in order as ``classes``.  A file beside it says
    which revision it is, and whether that is touched.

    Returns
    -------
    tuple of str
        Images that were taken down and are therefore not in the table.

    Raises
    ------
    UsageError
        When there is no such revision, or it is a draft.
    """
    with project.read() as connection:
        revision = _frozen(connection, name)
        known = connection.execute(sa.select(images.c.item_id, images.c.path))
        paths = {row.item_id: row.path for row in known}
        gone = excluded(connection, kind="takedown")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["id", "path", "class", "group"])
    here = [item for item in revision.items if item.item_id not in gone]
    for item in here:
        if item.item_id not in paths:
            raise DataError(
                f"Revision {name!r}: image {item.item_id} is not in the project any more.",
                "Restore the database from a copy.",
            )
        rows.writerow([item.item_id, paths[item.item_id], item.class_key, item.group])
    said = {"schema": PACKAGE_SCHEMA, "revision": name, "digest": revision.digest}
    write_atomic(beside(path), pretty_json(said | {"touched": why_touched(project, name)}))
    write_atomic(path, text.getvalue())
    return tuple(item.item_id for item in revision.items if item.item_id in gone)


def _frozen(connection: sa.Connection, name: str) -> Revision:
    if head(connection, name).state != "frozen":
        raise UsageError(
            f"Revision {name!r} is a draft; predictions are for frozen revisions.",
            f"Freeze it first: freshset testset freeze {name}",
        )
    return load(connection, name)


def _spec_of(connection: sa.Connection, revision: Revision) -> Spec:
    query = sa.select(specs.c.text).where(specs.c.digest == revision.spec)
    text = connection.execute(query.limit(1)).scalar_one_or_none()
    if text is None:
        raise DataError(
            "The spec that the revision was drawn by is gone.", "Restore the database from a copy."
        )
    return parse_spec(str(text))


def _set(connection: sa.Connection, names: Collection[str], **values: object) -> None:
    connection.execute(sa.update(revisions).where(revisions.c.name.in_(names)).values(**values))


def _excluded(connection: sa.Connection, revision: Revision) -> Problem | None:
    out = excluded(connection)
    bad = [item.item_id for item in revision.items if item.item_id in out]
    if not bad:
        return None
    text = f"{len(bad):,} of its images are excluded by now, such as {bad[0]} ({out[bad[0]]})."
    return Problem("excluded", text, waivable=False)


def _duplicates(connection: sa.Connection, revision: Revision) -> Problem | None:
    own = {item.item_id for item in revision.items}
    state = read_state(connection)
    every = own | state.originals
    bad = [
        (a, b)
        for a, b in sorted(state.edges())
        if (a in own or b in own) and a in every and b in every
    ]
    same = sorted(own & state.originals)
    if not bad and not same:
        return None
    example = f"{bad[0][0]} and {bad[0][1]}" if bad else f"{same[0]}, which is an original image"
    text = f"{len(bad) + len(same):,} duplicates inside it or with original images: {example}."
    return Problem("duplicates", text, waivable=False)


def _incomplete(revision: Revision) -> Problem | None:
    if revision.is_valid:
        return None
    lacking = sum(sum(one.values()) for one in revision.missing.values())
    some = ", ".join(sorted(revision.missing)[:5])
    text = f"{lacking:,} images lack in {len(revision.missing):,} classes ({some})."
    return Problem("incomplete", text, waivable=True)


def _reviews(connection: sa.Connection, name: str) -> Problem | None:
    bad = [one for one in reviews_of(connection, name) if not one.holds]
    if not bad:
        return None
    kinds = {
        "not reviewed": [one for one in bad if one.verdict == "open"],
        "problematic": [one for one in bad if one.verdict == "problematic"],
        "reviewed under another definition": [one for one in bad if one.verdict == "good"],
    }
    parts = [
        f"{len(some):,} {kind} ({', '.join(one.class_key for one in some[:5])})"
        for kind, some in kinds.items()
        if some
    ]
    return Problem("reviews", f"Classes: {'; '.join(parts)}.", waivable=True)


def _spec(connection: sa.Connection, revision: Revision) -> Problem | None:
    if spec_in_force(connection).digest == revision.spec:
        return None
    return Problem("spec", "The spec has changed since it was drawn.", waivable=True)


def _next(name: str, stops: list[Problem]) -> str:
    if any(not p.waivable for p in stops) or any(p.check == "spec" for p in stops):
        return f"Draw the next one: freshset testset sample --parent {name}"
    if any(p.check == "incomplete" for p in stops):
        return "Collect and label more candidates, or give a reason with --allow-incomplete."
    return f"Review its classes: freshset testset review {name} CLASS --verdict good"
