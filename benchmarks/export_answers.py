"""1,000,000 answers downloaded from the web app, against a bare SELECT and json.dumps a row.

Simulated answers of 200 workers to 2,000 tasks of 48 images, which lie in a SQLite project.  The app
runs in a process of its own, and the client reads its answer over loopback as it comes, into a file.
Beside the time, what the server's memory grows by is measured, with its peak before and after; then a
quarter as many answers are served, which must not take much less.  The peer, also a process of its own,
selects the rows with sqlite3 and writes json.dumps of each as a line.  The numbers of the dashboard are
timed on the same project.

    python benchmarks/export_answers.py [--answers N]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import sqlalchemy as sa
from starlette.responses import Response

from freshset.replication import tables
from freshset.replication.labelling.answer_export import COLUMNS
from freshset.replication.labelling.standing import read_standing
from freshset.replication.people import invite, join
from freshset.replication.project import DATABASE, Project, now
from freshset.replication.sampling.outlook import read_outlook
from freshset.webapp.app import create_app
from freshset.webapp.identity import open_session
from freshset.webapp.serving import listen, make_server
from freshset.webapp.settings import Settings

GRID, ASKED, WORKERS = 48, 10, 200
MOST_SLOWER, MOST_GROWTH = 2.0, 100.0
SPEC = """\
name: simulated/fresh
original: simulated/test
sampling: {strategy: threshold}
classes: [{key: cat, confused_with: dog}, {key: dog, confused_with: cat}]
"""
_AT = "2030-01-01T12:00:00.000000+00:00"
_QUERY = """SELECT task_id, item_id, class_key, worker, selected, 'submitted', accepted_at,
  submitted_at, assignment_id, source FROM answers ORDER BY item_id, class_key, worker"""


def make(folder: Path, answers: int) -> int:
    """A project with so many answers, and all that the dashboard counts; returns how many there are."""
    rng = np.random.default_rng(0)
    n_tasks = -(-answers // (GRID * ASKED))
    workers = [rng.bytes(16).hex() for _ in range(WORKERS)]
    with (
        Project.create(folder, SPEC, who="bench", why="bench") as project,
        project.change("fake", who="bench", why="bench") as change,
    ):
        for number in range(n_tasks):
            add_task(change.connection, rng, "cat" if number % 2 else "dog", workers)
    return n_tasks * GRID * ASKED


def add_task(
    connection: sa.Connection, rng: np.random.Generator, key: str, names: list[str]
) -> None:
    task, ids = rng.bytes(16).hex(), [rng.bytes(32).hex() for _ in range(GRID)]
    image = {"width": 1, "height": 1, "format": "PNG", "bytes": 1}
    rows = [{"item_id": i, "path": f"{i}.png", "pixels": i, **image} for i in ids]
    connection.execute(sa.insert(tables.images), rows)
    rows = [{"item_id": i, "pool": "candidate", "class_key": key, "keyword": ""} for i in ids]
    connection.execute(sa.insert(tables.members), rows)
    row = {"task_id": task, "batch": "1", "class_key": key, "created_at": _AT, "status": "closed"}
    connection.execute(sa.insert(tables.tasks), [row])
    # The first six are controls.
    rows = [
        {"task_id": task, "position": n, "item_id": i, "token": rng.bytes(16).hex(),
         "role": "positive" if n < 3 else "negative" if n < 6 else "candidate"}
        for n, i in enumerate(ids)
    ]  # fmt: skip
    connection.execute(sa.insert(tables.task_items), rows)
    asked = rng.choice(len(names), ASKED, replace=False)
    rows = [
        {"task_id": task, "slot": n, "state": "done", "worker": names[w], "leased_at": _AT,
         "submitted_at": now()}
        for n, w in enumerate(asked)
    ]  # fmt: skip
    connection.execute(sa.insert(tables.slots), rows)
    said = rng.integers(0, 2, (ASKED, GRID))
    rows = [
        {"worker": names[w], "item_id": i, "class_key": key, "task_id": task,
         "selected": float(said[n, m]), "accepted_at": _AT, "submitted_at": _AT, "source": "web"}
        for n, w in enumerate(asked) for m, i in enumerate(ids)
    ]  # fmt: skip
    connection.execute(sa.insert(tables.answers), rows)


def serve(folder: Path, told: Queue[Any]) -> None:
    """Serve a project, and tell where and with which session."""
    with Project.open(folder) as project:
        place = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{place.getsockname()[1]}"
        app = create_app(project, Settings(base_url=url))
        person = join(project, invite(project, "owner", who="bench").invitation_id, "bench")
        response = Response()
        open_session(response, app.state.services, person)
        told.put((url, response.headers["set-cookie"].split(";")[0]))
        make_server(app).run(sockets=[place])


def memory(pid: int) -> dict[str, float]:
    """Megabytes that a process holds and held at most."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
    return {name: int(text.split()[0]) / 1024 for name, text in found.items()}


def download(url: str, cookie: str, name: str, path: Path) -> float:
    start = time.perf_counter()
    headers = {"Cookie": cookie}
    with (
        httpx.stream("GET", f"{url}/api/exports/{name}", headers=headers, timeout=600) as answer,
        path.open("wb") as stream,
    ):
        answer.raise_for_status()
        for piece in answer.iter_raw():
            stream.write(piece)
    return time.perf_counter() - start


def ours(folder: Path, out: Path) -> dict[str, float]:
    """Seconds of each form, and megabytes by which the server's peak grew."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=serve, args=(folder, told))
    process.start()
    url, cookie = told.get()
    found = {}
    try:
        httpx.get(
            f"{url}/dashboard/live", headers={"Cookie": cookie}, timeout=60
        )  # all is imported
        for form in ("jsonl", "parquet"):
            before = memory(process.pid or 0)["VmRSS"]
            found[form] = download(url, cookie, f"answers.{form}", out / f"answers.{form}")
            found[f"{form} MB"] = memory(process.pid or 0)["VmHWM"] - before
        found["peak MB"] = memory(process.pid or 0)["VmHWM"]
    finally:
        process.terminate()
        process.join()
    return found


def bare(folder: Path, out: Path, told: Queue[Any]) -> None:
    start = time.perf_counter()
    with (
        sqlite3.connect(folder / DATABASE) as connection,
        out.open("w", encoding="utf-8") as stream,
    ):
        for row in connection.execute(_QUERY):
            stream.write(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told.put((time.perf_counter() - start, peak))


def peer(folder: Path, out: Path) -> tuple[float, float]:
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=bare, args=(folder, out, told))
    process.start()
    found = told.get()
    process.join()
    return found


def same(out: Path, expected: int) -> bool:
    """Whether both forms and the peer hold the same rows."""
    with (out / "answers.jsonl").open(encoding="utf-8") as mine, (out / "bare").open() as theirs:
        header = json.loads(next(mine))
        pairs = zip(mine, theirs, strict=True)
        count = sum(json.loads(one) == json.loads(other) for one, other in pairs)
    table = pq.read_metadata(out / "answers.parquet")
    return header["rows"] == count == table.num_rows == expected


def counted(folder: Path) -> tuple[float, float]:
    """Seconds of the dashboard's live numbers, and of its statistics."""
    with Project.open(folder) as project:
        spec, seconds = project.spec, []
        for _ in range(5):
            start = time.perf_counter()
            with project.read() as connection:
                read_standing(connection, spec, now())
            seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
        read_outlook(project)
        return float(np.median(seconds)), time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=1_000_000)
    n = parser.parse_args().answers
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        rows = make(root / "project", n)
        mine = ours(root / "project", root)
        theirs, their_peak = peer(root / "project", root / "bare")
        whole = same(root, rows)
        live, statistics = counted(root / "project")
        make(root / "few", n // 4)
        few = ours(root / "few", root)
    print(f"{rows:,} answers over HTTP")
    for form in ("jsonl", "parquet"):
        print(
            f"{form:>8} {mine[form]:6.1f} s ({mine[form] / theirs:.2f} times the bare loop), the "
            f"server grows by {mine[f'{form} MB']:.0f} MB; a quarter as many {few[form]:.1f} s, "
            f"{few[f'{form} MB']:.0f} MB"
        )
    print(
        f"    bare {theirs:6.1f} s, {their_peak:.0f} MB; the server's peak {mine['peak MB']:.0f} MB"
    )
    print(f"dashboard: live numbers {1000 * live:.0f} ms, statistics {statistics:.1f} s")
    if not whole:
        print("FAILED: the files differ")
        return 1
    growth = max(one[f"{form} MB"] for one in (mine, few) for form in ("jsonl", "parquet"))
    held = mine["jsonl"] / theirs < MOST_SLOWER and growth < MOST_GROWTH
    print(f"under {MOST_SLOWER:g} times and {MOST_GROWTH:g} MB: {'held' if held else 'MISSED'}")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
