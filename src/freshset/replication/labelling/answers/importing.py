"""Answers into a project: all of a file or nothing, and each answer once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from freshset.core.files import sha256_file
from freshset.replication import tables
from freshset.replication.databases import enlarge_cache
from freshset.replication.labelling.answers.base import COUNTED, Records, plain_texts
from freshset.replication.labelling.answers.resolving import (
    Known,
    grid_rows,
    looked_up,
    read_known,
    resolve,
)
from freshset.replication.labelling.answers.times import utc_texts
from freshset.replication.labelling.slots import fill_places
from freshset.replication.project import Project

_KEY = ["worker", "item_id", "class_key"]
_STORED = [column.name for column in tables.answers.columns]
_HASH = re.compile(r"[0-9a-f]{32}")
_CHUNK = 20_000
_CACHE = 200  # MB


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every answer of a file.

    Attributes
    ----------
    rows
        Answers of the file, one an image and class.
    added
        New ones.
    replaced
        Those that were given before the one that the project had of that worker, image and class, and
        took its place.
    known
        Those that the project had already.
    later
        A worker's later answers about an image and class that they had answered before; not kept.
    not_counted
        By status, such as ``rejected``: left out.
    skipped
        What the file held beside answers, by what it was.
    workers
        Different workers.
    closed
        Tasks that now have all their answers.
    warnings
        What the user should look at.
    """

    rows: int
    added: int
    replaced: int
    known: int
    later: int
    not_counted: Mapping[str, int]
    skipped: Mapping[str, int]
    workers: int
    closed: int
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.answers-import/1``."""
        return (
            {"schema": "freshset.answers-import/1"} | asdict(self) | {"warnings": [*self.warnings]}
        )


def import_answers(
    project: Project, records: Records, *, source: str, who: str, why: str
) -> ImportReport:
    """Put answers into a project.

    Parameters
    ----------
    records
        See `freshset.replication.labelling.answers.formats.read_answers`.
    source
        Name of the format, which the answers keep.

    Raises
    ------
    DataError
        When any row is about an unknown task, image or class, or says what cannot be; nothing is
        imported then.

    Notes
    -----
    Of several answers of a worker about one image and class the first by time of submission counts;
    without times, the first that was imported.  Only submitted and approved ones count.
    """
    with project.change("answers.import", who=who, why=why, subject=records.path.name) as change:
        known = read_known(change.connection, project.spec)
        rows = records.rows.assign(source_row=np.arange(len(records.rows)))
        if len(records.grids):
            rows = grid_rows(records, known)
        rows, not_counted = _counting(rows)
        rows = resolve(rows, known, records.path).reset_index(drop=True)
        for name in ("accepted_at", "submitted_at"):
            rows[name] = utc_texts(rows[name], records.path).to_numpy()
        warnings = _clocks(rows, known, change.at)
        rows = _hashed(rows.assign(source=source), project.salt, change.connection)
        first = _first_of_each(rows)
        parts = _compare(first, change.connection)
        added, replaced = len(parts["new"]), len(parts["earlier"])
        full = _full_tasks(rows, change.connection, project.spec.tasks.answers)
        _close(full, change.connection)
        _write(parts["new"], parts["earlier"], change.connection)
        fill_places(change.connection, set(rows["task_id"]))
        report = ImportReport(
            rows=len(rows) + sum(not_counted.values()),
            added=added,
            replaced=replaced,
            known=len(parts["same"]),
            later=len(parts["later"]) + replaced + len(rows) - len(first),
            not_counted=not_counted,
            skipped=records.skipped,
            workers=rows["worker"].nunique(),
            closed=len(full),
            warnings=warnings,
        )
        change.detail |= report.to_dict() | {"source": source} | _file(records.path)
    return report


def hash_worker(name: str, salt: str) -> str:
    """Name of a worker in the database, which only the project's salt leads to."""
    return hashlib.sha256(f"{salt}:{name}".encode()).hexdigest()[:32]


def _counting(rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    status = plain_texts(rows["status"], lambda text: text.strip().lower())
    counts = status.isin(COUNTED)
    left = status[~counts].value_counts()
    return rows[counts].reset_index(drop=True), {str(k): int(v) for k, v in left.items()}


def _first_of_each(rows: pd.DataFrame) -> pd.DataFrame:
    """First answer of each worker, image and class, by time and then by row; sorted by these three."""
    key = np.zeros(len(rows), dtype=np.int64)
    for name in _KEY:
        codes, unique = pd.factorize(rows[name], sort=True)
        key = key * len(unique) + codes
    time, unique = pd.factorize(rows["submitted_at"], sort=True)
    if len(unique) and unique[0] == "":
        time = np.where(time == 0, len(unique), time)  # an unknown time comes last
    order = np.lexsort((rows["source_row"].to_numpy(), time, key))
    first: pd.DataFrame = rows.iloc[order[np.diff(key[order], prepend=-1) != 0]]
    return first


def _clocks(rows: pd.DataFrame, known: Known, now: str) -> tuple[str, ...]:
    """Count times that cannot be: workers' clocks and the crowd's may differ and jump."""
    accepted, submitted = rows["accepted_at"], rows["submitted_at"]
    created = pd.Series(looked_up(rows["task_id"], dict(known.tasks["created_at"]))[0])
    given = submitted != ""
    found = {
        "were submitted before they were accepted": given & (submitted < accepted),
        "were submitted before their task was made": given & (submitted < created),
        "were submitted in the future": given & (submitted > now),
    }
    return tuple(
        f"{int(bad.sum()):,} answers {what}; look at the clocks. Their order decides which answer "
        "of a worker counts."
        for what, bad in found.items()
        if bad.any()
    )


def _hashed(rows: pd.DataFrame, salt: str, connection: sa.Connection) -> pd.DataFrame:
    codes, names = pd.factorize(rows["worker"])
    # Files that this project's answers were exported to call its workers as it does.
    ours = _workers_among([name for name in names if _HASH.fullmatch(name)], connection)
    hashed = [name if name in ours else hash_worker(name, salt) for name in names]
    hashes = np.array(hashed, dtype=object)
    return rows.assign(worker=hashes[codes] if len(names) else rows["worker"])


def _workers_among(names: list[str], connection: sa.Connection) -> set[str]:
    column = tables.answers.c.worker
    out: set[str] = set()
    for start in range(0, len(names), 500):
        query = sa.select(column).where(column.in_(names[start : start + 500])).distinct()
        out |= set(connection.execute(query).scalars())
    return out


def _compare(first: pd.DataFrame, connection: sa.Connection) -> dict[str, pd.DataFrame]:
    """Part answers by what the project has: new, earlier than it, the same, or later."""
    table = tables.answers.c
    names = [*_KEY, "selected", "submitted_at", "task_id", "assignment_id"]
    workers = first["worker"].unique().tolist()
    found: list[Any] = []
    for start in range(0, len(workers), 500):
        query = sa.select(*(table[name] for name in names))
        query = query.where(table.worker.in_(workers[start : start + 500]))
        found += connection.execute(query).all()
    if not found:
        return {"new": first, **dict.fromkeys(("earlier", "same", "later"), first.iloc[:0])}
    old = pd.DataFrame(found, columns=names)
    both = first.merge(old, on=_KEY, how="left", suffixes=("", "_old"), indicator=True)
    here = both["_merge"] == "both"
    same = here.copy()
    for name in names[len(_KEY) :]:
        same &= both[name] == both[f"{name}_old"]
    earlier = here & ~same & (both["submitted_at"] != "")
    earlier &= (both["submitted_at"] < both["submitted_at_old"]) | (both["submitted_at_old"] == "")
    flags = {"new": ~here, "earlier": earlier, "same": same, "later": here & ~same & ~earlier}
    return {name: both.loc[flag, first.columns] for name, flag in flags.items()}


def _write(new: pd.DataFrame, earlier: pd.DataFrame, connection: sa.Connection) -> None:
    enlarge_cache(connection, _CACHE)
    new = new[_STORED]  # in the order of the key, so that its index grows at its end
    insert = sa.insert(tables.answers).compile(dialect=connection.dialect, column_keys=_STORED)
    for start in range(0, len(new), _CHUNK):
        part = new.iloc[start : start + _CHUNK]
        # SQLAlchemy would look at every value again; the columns are plain text and numbers.
        rows = _tuples(part) if insert.positional else _dicts(part)
        connection.exec_driver_sql(str(insert), rows)
    table = tables.answers
    change = sa.update(table).where(*(table.c[name] == sa.bindparam(f"b_{name}") for name in _KEY))
    values = [name for name in _STORED if name not in _KEY]
    if len(earlier):
        change = change.values({name: sa.bindparam(f"v_{name}") for name in values})
        changed = [
            {f"b_{name}": row[name] for name in _KEY} | {f"v_{name}": row[name] for name in values}
            for row in _dicts(earlier[_STORED])
        ]
        connection.execute(change, changed)


def _tuples(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[name].tolist() for name in frame.columns), strict=True))


def _dicts(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in _tuples(frame)]


def _full_tasks(rows: pd.DataFrame, connection: sa.Connection, answers: int) -> list[str]:
    """Open tasks that, with these rows, as many workers have answered as were wanted."""
    task, given = tables.tasks.c, tables.answers.c
    open_ = task.status != "closed"
    ids = connection.execute(sa.select(task.task_id).where(open_)).scalars().all()
    query = sa.select(given.task_id, given.worker).distinct()
    query = query.join(tables.tasks, task.task_id == given.task_id).where(open_)
    before = pd.DataFrame(connection.execute(query).all(), columns=["task_id", "worker"])
    now = rows.loc[rows["task_id"].isin(ids), ["task_id", "worker"]].drop_duplicates()
    workers = pd.concat([before, now]).drop_duplicates()["task_id"].value_counts()
    return [str(name) for name, count in workers.items() if count >= answers]


def _close(task_ids: list[str], connection: sa.Connection) -> None:
    of = tables.tasks
    for start in range(0, len(task_ids), 500):
        query = sa.update(of).where(of.c.task_id.in_(task_ids[start : start + 500]))
        connection.execute(query.values(status="closed"))


def _file(path: Path) -> dict[str, str]:
    return (
        {"file": str(path), "sha256": sha256_file(path)} if path.is_file() else {"file": str(path)}
    )
