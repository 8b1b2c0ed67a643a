"""Importing 1,000,000 answers into a SQLite project, against pandas.to_sql and a loop over rows.

Simulated answers of 1,000 workers to 20,834 tasks of 48 images, as a csv file with worker, task, token,
answer and times.  freshset reads the file, checks every row against the project's tasks, hashes the
workers, keeps one answer a worker, image and class, and writes the log.  The peers read the same file
and put the rows as they are into a table with the same columns, key and indexes: pandas.to_sql in one
go, and Python's csv and sqlite3 a row at a time (100,000 rows, scaled).  Each runs in its own process,
which is also what its peak of memory is of.

    python benchmarks/import_answers.py [--answers N]
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from freshset.replication import tables
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.answers.tables import read
from freshset.replication.project import Project

GRID = 48
LIMIT = 20.0
SPEC = """\
name: simulated/fresh
original: simulated/test
classes: [{key: cat, confused_with: dog}, {key: dog, confused_with: cat}]
"""
TABLE = """
CREATE TABLE answers (worker VARCHAR(255), item_id VARCHAR(255), class_key VARCHAR(255),
  task_id VARCHAR(64), selected DOUBLE, accepted_at VARCHAR(32), submitted_at VARCHAR(32),
  assignment_id VARCHAR(128), source VARCHAR(64), PRIMARY KEY (worker, item_id, class_key));
CREATE INDEX by_question ON answers (item_id, class_key);
CREATE INDEX by_task ON answers (task_id);
"""
COLUMNS = [c.name for c in tables.answers.columns]


def make(folder: Path, answers: int) -> None:
    """A project whose tasks exist, and a file of simulated answers to them."""
    rng = np.random.default_rng(0)
    assignments = -(-answers // GRID)
    n_tasks = -(-assignments // 10)
    ids = [rng.bytes(32).hex() for _ in range(n_tasks * GRID)]
    tokens = [rng.bytes(16).hex() for _ in ids]
    names = [rng.bytes(16).hex() for _ in range(n_tasks)]
    with (
        Project.create(folder / "project", SPEC, who="bench", why="bench") as project,
        project.change("fake", who="bench", why="bench") as change,
    ):
        image = {"pixels": "", "width": 1, "height": 1, "format": "PNG", "bytes": 1}
        rows = [{"item_id": i, "path": f"{i}.png", **image} for i in ids]
        change.connection.execute(sa.insert(tables.images), rows)
        task = {"batch": "1", "class_key": "cat", "created_at": "2020-01-01T00:00:00.000000+00:00",
                    "status": "open", "external_id": ""}  # fmt: skip
        change.connection.execute(sa.insert(tables.tasks), [{"task_id": t, **task} for t in names])
        rows = [
                {"task_id": names[n // GRID], "position": n % GRID, "item_id": item,
                 "role": "candidate", "token": token}
                for n, (item, token) in enumerate(zip(ids, tokens, strict=True))
            ]  # fmt: skip
        change.connection.execute(sa.insert(tables.task_items), rows)
    with (folder / "answers.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["worker", "task_id", "token", "selected", "accepted_at", "submitted_at",
                      "assignment_id"])  # fmt: skip
        for number in range(assignments):
            task = number % n_tasks
            # A worker sees a task once.
            worker = f"A{(number // n_tasks) * 100 + task % 100:013d}"
            minute = f"2021-01-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}"
            said = rng.integers(0, 2, GRID)
            for place in range(min(GRID, answers - number * GRID)):
                out.writerow([worker, names[task], tokens[task * GRID + place], said[place],
                              f"{minute}:00Z", f"{minute}:59Z", f"B{number}"])  # fmt: skip


def ours(folder: Path, _: int) -> int:
    with Project.open(folder / "project") as project:
        records = read(folder / "answers.csv")
        report = import_answers(project, records, source="table", who="bench", why="bench")
    return report.added


def with_pandas(folder: Path, _: int) -> int:
    frame = pd.read_csv(folder / "answers.csv", dtype=str)
    frame = frame.rename(columns={"token": "item_id"}).assign(class_key="cat", source="table")
    with sqlite3.connect(folder / "pandas.db") as connection:
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + TABLE)
        frame[COLUMNS].to_sql("answers", connection, if_exists="append", index=False)
    return len(frame)


def row_by_row(folder: Path, n: int) -> int:
    few = min(n, 100_000)
    with sqlite3.connect(folder / "rows.db") as connection:
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + TABLE)
        insert = f"INSERT INTO answers VALUES ({','.join('?' * len(COLUMNS))})"
        with (folder / "answers.csv").open(newline="", encoding="utf-8") as stream:
            for _, row in zip(range(few), csv.DictReader(stream), strict=False):
                values = row | {"item_id": row["token"], "class_key": "cat", "source": "table"}
                connection.execute(insert, [values[name] for name in COLUMNS])
    return few


def measured(work: Callable[[Path, int], int], folder: Path, n: int, out: object) -> None:
    start = time.perf_counter()
    rows = work(folder, n)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.put((rows, seconds, peak))


def run(work: Callable[[Path, int], int], folder: Path, n: int) -> tuple[int, float, float]:
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    process = context.Process(target=measured, args=(work, folder, n, out))
    process.start()
    result = out.get()
    process.join()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=1_000_000)
    n = parser.parse_args().answers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, n)
        rows, seconds, peak = run(ours, folder, n)
        again, seconds_again, _ = run(ours, folder, n)
        rows_pandas, seconds_pandas, peak_pandas = run(with_pandas, folder, n)
        rows_loop, seconds_loop, peak_loop = run(row_by_row, folder, n)
    seconds_loop *= n / rows_loop
    print(f"freshset            {rows:>9,} rows {seconds:6.1f} s {peak:6.0f} MB")
    print(f"freshset, again     {again:>9,} rows {seconds_again:6.1f} s (all known already)")
    print(
        f"pandas.to_sql       {rows_pandas:>9,} rows {seconds_pandas:6.1f} s {peak_pandas:6.0f} MB"
    )
    print(
        f"csv + sqlite3, rows {rows_loop:>9,} rows {seconds_loop:6.1f} s {peak_loop:6.0f} MB (scaled)"
    )
    print(f"freshset takes {seconds / seconds_pandas:.2f} times as long as pandas.to_sql")
    if rows != n or again != 0 or rows_pandas != n:
        print("FAILED: not every answer was imported once")
        return 1
    limit = LIMIT * n / 1_000_000
    print(f"limit {limit:.0f} s: {'held' if seconds < limit else 'MISSED'}")
    return int(seconds >= limit)


if __name__ == "__main__":
    sys.exit(main())
