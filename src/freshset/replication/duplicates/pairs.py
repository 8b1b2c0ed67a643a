"""Pairs that somebody has to look at, and what was said about them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import ConflictError, DataError, UsageError, did_you_mean
from freshset.replication.duplicates.state import Pair, State, ordered, read_state
from freshset.replication.project import Project
from freshset.replication.tables import images, members, neighbours, pairs

VERDICTS = ("duplicate", "different", "cut", "open")
"""The last takes back what was said."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A pair that waits for a verdict.

    Attributes
    ----------
    a, b
        Ids, the lower one first.
    distances
        By metric, those within their threshold.
    closeness
        Smallest of distance over threshold.
    version
        Of the verdict that was taken back; 0 where nobody has said anything.
    """

    a: str
    b: str
    distances: Mapping[str, float]
    closeness: float
    version: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"a": self.a, "b": self.b, "distances": dict(self.distances)}


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict to be recorded.

    Attributes
    ----------
    a, b
        Ids, in either order.
    verdict
        One of `VERDICTS`.
    version
        Of the verdict that the reviewer saw: 0 where there was none.
    """

    a: str
    b: str
    verdict: str
    version: int = 0


def pending_pairs(
    connection: sa.Connection,
    thresholds: Mapping[str, float],
    first: int,
    state: State | None = None,
) -> list[Pending]:
    """List the pairs to review, closest first.

    A pair is pending when one of the first neighbours of a candidate lies within the threshold of a
    metric, and it is neither of one photo, nor of equal pixels, nor excluded, nor reviewed.

    Parameters
    ----------
    thresholds
        By metric, such as those of the spec.
    first
        How many neighbours count.
    """
    state = state or read_state(connection)
    n = neighbours.c
    found: dict[Pair, dict[str, float]] = {}
    for metric, threshold in thresholds.items():
        query = sa.select(n.item_id, n.neighbour, n.distance).where(
            n.metric == metric, n.rank >= 0, n.rank < first, n.distance <= threshold
        )
        for item, neighbour, distance in connection.execute(query):
            pair = ordered(item, neighbour)
            if item != neighbour and item in state.candidates and not state.settled(pair):
                found.setdefault(pair, {})[metric] = distance
    out = [
        Pending(
            *pair, distances, min(_share(d, thresholds[m]) for m, d in distances.items()),
            state.version_of(pair),
        )
        for pair, distances in found.items()
    ]  # fmt: skip
    return sorted(out, key=lambda one: (one.closeness, one.a, one.b))


def _share(distance: float, threshold: float) -> float:
    return distance / threshold if threshold else 0.0


def record_verdicts(project: Project, said: Sequence[Said], *, who: str, why: str) -> int:
    """Record verdicts, all or none; returns how many changed anything.

    Raises
    ------
    UsageError
        For an unknown verdict, a pair of an image with itself, or a pair that is there twice.
    DataError
        For an image that the project does not have.
    ConflictError
        When somebody else has changed a verdict meanwhile; nothing is recorded.
    """
    rows = {ordered(one.a, one.b): one for one in said}
    if len(rows) < len(said):
        raise UsageError(f"{len(said) - len(rows):,} pairs occur twice.", "Say one verdict a pair.")
    for one in said:
        if one.verdict not in VERDICTS:
            raise UsageError(f"No verdict {one.verdict!r}.", did_you_mean(one.verdict, VERDICTS))
        if one.a == one.b:
            raise UsageError(f"{one.a} is named as its own duplicate.", "Name two images.")
    with project.change("pairs.verdict", who=who, why=why) as change:
        _check_known(change.connection, {item for pair in rows for item in pair})
        before = _before(change.connection, rows)
        new = {p: one for p, one in rows.items() if p not in before or before[p][0] != one.verdict}
        # Who says what was said already contradicts nobody, so that a file may be read twice.
        _check_versions(new, before)
        for pair, one in new.items():
            where = (pairs.c.a == pair[0]) & (pairs.c.b == pair[1])
            change.connection.execute(sa.delete(pairs).where(where))
            row = {"a": pair[0], "b": pair[1], "verdict": one.verdict, "version": one.version + 1}
            row |= {"who": change.who, "at": change.at}
            change.connection.execute(sa.insert(pairs), [row])
        change.detail["pairs"] = [
            [*pair, before[pair][0] if pair in before else "", one.verdict]
            for pair, one in sorted(new.items())
        ]
    return len(new)


def _check_known(connection: sa.Connection, items: set[str]) -> None:
    wanted, known = sorted(items), set()
    for start in range(0, len(wanted), 500):
        query = sa.select(members.c.item_id).where(
            members.c.item_id.in_(wanted[start : start + 500])
        )
        known |= set(connection.execute(query.distinct()).scalars())
    strange = sorted(items - known)
    if strange:
        raise DataError(
            f"{len(strange):,} images are not in the project, such as {strange[0]!r}.",
            "Give ids of collected images, as the queue lists them.",
        )


def _before(
    connection: sa.Connection, rows: Mapping[Pair, Said]
) -> dict[Pair, tuple[str, int, str]]:
    p = pairs.c
    query = sa.select(p.a, p.b, p.verdict, p.version, p.who)
    return {
        (row.a, row.b): (row.verdict, row.version, row.who)
        for row in connection.execute(query)
        if (row.a, row.b) in rows
    }


def _check_versions(rows: Mapping[Pair, Said], before: Mapping[Pair, tuple[str, int, str]]) -> None:
    stale = [pair for pair, one in rows.items() if one.version != before.get(pair, ("", 0, ""))[1]]
    if not stale:
        return
    a, b = min(stale)
    verdict, version, who = before.get((a, b), ("no verdict", 0, "nobody"))
    raise ConflictError(
        f"{len(stale):,} pairs were changed since they were looked at: {a} and {b} have "
        f"{verdict!r} by {who}, version {version}. Nothing was recorded.",
        f"Look at them again, then give --version {version}.",
    )


_COLUMNS = ("a", "b", "verdict", "version")


def export_pairs(connection: sa.Connection, queue: Sequence[Pending]) -> str:
    """Write a queue as csv for other tools: fill in ``verdict``, then import it."""
    wanted = {item for one in queue for item in (one.a, one.b)}
    rows = connection.execute(sa.select(images.c.item_id, images.c.path))
    paths = {item: path for item, path in rows if item in wanted}
    metrics = sorted({metric for one in queue for metric in one.distances})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, *metrics, "path_a", "path_b"])
    for one in queue:
        distances = [one.distances.get(metric, "") for metric in metrics]
        writer.writerow(
            [one.a, one.b, "", one.version, *distances, paths.get(one.a), paths.get(one.b)]
        )
    return out.getvalue()


def export_verdicts(state: State) -> str:
    """Write all verdicts as csv, with their versions."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, "who", "at"])
    for (a, b), one in sorted(state.verdicts.items()):
        writer.writerow([a, b, one.verdict, one.version, one.who, one.at])
    return out.getvalue()


def parse_verdicts(text: str, where: str) -> list[Said]:
    """Read verdicts from csv with the columns ``a``, ``b``, ``verdict``, and ``version`` (0 without).

    Rows without a verdict are left out: nobody has looked at them yet.

    Raises
    ------
    DataError
        When columns lack or a version is no number; names the line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    lacking = [name for name in _COLUMNS[:3] if name not in (reader.fieldnames or ())]
    if lacking:
        raise DataError(
            f"{where}: no column {lacking[0]!r}.", "Columns are a, b, verdict and version."
        )
    out = []
    for row in reader:
        values = [(row.get(name) or "").strip() for name in _COLUMNS]
        a, b, verdict, version = values
        if not verdict:
            continue
        if not a or not b or not (version or "0").isdecimal():
            raise DataError(
                f"{where}: line {reader.line_num}: a pair {a!r}, {b!r} with version {version!r}.",
                "Export the queue, and fill in the verdicts only.",
            )
        out.append(Said(a, b, verdict, int(version or 0)))
    return out
