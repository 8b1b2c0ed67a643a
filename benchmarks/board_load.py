"""The leaderboard under load: 1,000 submissions, 50 at once, and kill -9 of the server in the middle.

A server process serves project and board on loopback.  Each of the entrants (this process, a connection
each) sends files one after the other; a submission whose answer did not come is sent again with the same
token, as a browser that was told nothing would.  After a share of the submissions the server is killed
with SIGKILL and started again; every tenth submission that was answered is sent once more on purpose.

In the end every accepted submission must be in the ledger exactly once with the digest of its receipt,
its predictions must be kept, and ledgers, rules and predictions must verify.  Exits 1 otherwise.

    python benchmarks/board_load.py [--submissions N] [--at-once N] [--kills N] [--examples N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from starlette.responses import Response

from freshset.protocols.leaderboard.board import Board
from freshset.protocols.leaderboard.entrants import evaluations
from freshset.protocols.leaderboard.limits import Limits
from freshset.protocols.leaderboard.setup import BoardRules, make_board
from freshset.protocols.policies import PolicySpec
from freshset.protocols.sealed.cipher import new_key, read_key, write_key
from freshset.protocols.sealed.submission import Labels
from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.boards import INTERFACE, ServedBoard
from freshset.webapp.identity import HEADER, open_session
from freshset.webapp.serving import listen, make_server
from freshset.webapp.settings import Settings

SPEC = "name: simulated/fresh\noriginal: simulated/test\nper_class: 1\ntasks: {negatives: 0}\nclasses:\n  - key: any\n"
PATIENCE = 120
"""Seconds that one submission may take with all that it is sent again."""


@dataclass
class Load:
    """What was sent and answered."""

    folder: Path
    port: int
    total: int
    kills: int
    labels: np.ndarray
    receipts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    lost: int = 0
    wrong: list[str] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, __file__, "--serve", str(self.folder), "--port", str(self.port)]
        self.server = subprocess.Popen(command)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self.server.poll() is not None:
                    raise SystemExit("the server has ended") from None
                time.sleep(0.05)
            else:
                return

    def end(self, how: int) -> None:
        assert self.server is not None
        self.server.send_signal(how)
        self.server.wait(60)


def serve(folder: Path, port: int) -> None:
    """Run in a process of its own."""
    board = Board(folder / "board", read_key(folder / "key"))
    with Project.open(folder / "project") as project:
        app = create_app(project, Settings(base_url=f"http://127.0.0.1:{port}"), ServedBoard(board))
        make_server(app).run(sockets=[listen("127.0.0.1", port)])


def make(folder: Path, examples: int, looks: int, people: int) -> tuple[np.ndarray, list[Any]]:
    """Make project and board; returns labels, and name, cookie and token of each entrant."""
    labels = np.random.default_rng(0).integers(0, 10, examples)
    write_key(folder / "key", new_key())
    rules = BoardRules(PolicySpec("ladder"), Limits(looks))
    ids = [f"img-{k:05d}" for k in range(examples)]
    given = Labels.of(labels, name="load", ids=ids)
    make_board(folder / "board", read_key(folder / "key"), given, rules, who="bench")
    Project.create(folder / "project", SPEC, who="bench", why="bench").close()
    out = []
    with Project.open(folder / "project") as project:
        services = create_app(project).state.services
        invitation = invite(project, "worker", uses=people, who="bench")
        for number in range(people):
            person = join(project, invitation.invitation_id, f"entrant {number}")
            response = Response()
            session = open_session(response, services, person)
            cookie = response.headers["set-cookie"].split(";")[0]
            out.append((person.name, {"cookie": cookie, HEADER: session.csrf}))
    return labels, out


def predictions(labels: np.ndarray, number: int) -> bytes:
    rng = np.random.default_rng(number + 1)
    guess = np.where(rng.random(len(labels)) < 0.7, labels, rng.integers(0, 10, len(labels)))
    rows = "".join(f"img-{k:05d},{value}\n" for k, value in enumerate(guess))
    return f"item_id,prediction\n{rows}".encode()


async def entrant(load: Load, name: str, headers: dict[str, str], numbers: list[int]) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{load.port}", headers=headers, timeout=PATIENCE
    ) as client:
        for number in numbers:
            data, token = predictions(load.labels, number), f"token-{number}"
            first = await send(load, client, data, token)
            load.receipts[name, token] = first
            if number % 10 == 0:
                again = await send(load, client, data, token)
                if not again["repeated"] or again["digest"] != first["digest"]:
                    load.wrong.append(f"{name} {token}: sent twice, answered {again}")


async def send(load: Load, client: httpx.AsyncClient, data: bytes, token: str) -> dict[str, Any]:
    begun = time.perf_counter()
    while time.perf_counter() - begun < PATIENCE:
        try:
            answer = await client.post(
                INTERFACE, files={"file": ("net.csv", data)}, data={"token": token, "model": "net"}
            )
        except httpx.TransportError:
            load.lost += 1
            await asyncio.sleep(0.1)
            continue
        if answer.status_code != 200:
            raise SystemExit(f"{answer.status_code}: {answer.text}")
        load.took.append(time.perf_counter() - begun)
        found: dict[str, Any] = answer.json()
        return found
    raise SystemExit(f"{token}: no answer within {PATIENCE} s")


async def killer(load: Load) -> None:
    """End the server without warning each time another share of the submissions was answered."""
    for kill in range(load.kills):
        while len(load.receipts) < load.total * (kill + 1) / (load.kills + 1):
            await asyncio.sleep(0.005)
        await asyncio.to_thread(load.end, signal.SIGKILL)
        await asyncio.to_thread(load.start)


async def drive(load: Load, people: list[Any]) -> float:
    begun = time.perf_counter()
    await asyncio.gather(
        killer(load),
        *(
            entrant(load, name, headers, list(range(k, load.total, len(people))))
            for k, (name, headers) in enumerate(people)
        ),
    )
    return time.perf_counter() - begun


def check(load: Load) -> list[str]:
    """Compare ledger and predictions with what entrants were told; returns what is wrong."""
    wrong = list(load.wrong)
    entries = evaluations(Board(load.folder / "board", read_key(load.folder / "key")).verify())
    counted = Counter((one.who, str(one.note["token"])) for one in entries)
    wrong += [f"{key}: {n} entries" for key, n in counted.items() if n != 1]
    place = {(one.who, str(one.note["token"])): one for one in entries}
    for key, receipt in load.receipts.items():
        one = place.get(key)
        if one is None:
            wrong.append(f"{key}: accepted, and not in the ledger")
        elif (one.digest, one.seq) != (receipt["digest"], receipt["seq"]):
            wrong.append(f"{key}: another entry than its receipt says")
    if len(load.receipts) != load.total or set(place) != set(load.receipts):
        wrong.append(f"{len(load.receipts)} accepted and {len(place)} entries of {load.total} sent")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--examples", type=int, default=1_000)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.port)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels, people = make(folder, asked.examples, asked.submissions, asked.at_once)
        with socket.create_server(("127.0.0.1", 0)) as place:
            port = place.getsockname()[1]
        load = Load(folder, port, asked.submissions, asked.kills, labels)
        load.start()
        try:
            seconds = asyncio.run(drive(load, people))
        finally:
            if load.server is not None and load.server.poll() is None:
                load.end(signal.SIGTERM)
        wrong = check(load)
    took = np.sort(load.took)
    print(
        f"{len(load.receipts):,} submissions of {asked.examples:,} examples, {asked.at_once} at once, "
        f"{asked.kills} kill -9 ({load.lost} requests lost and sent again): {seconds:.1f} s, "
        f"{len(load.receipts) / seconds:.0f} a second, median {np.median(took):.2f} s, "
        f"99 % under {np.quantile(took, 0.99):.2f} s, on {os.cpu_count()} cores"
    )
    for one in wrong[:20]:
        print(f"WRONG {one}")
    print("every accepted submission is in the ledger exactly once" if not wrong else "FAILED")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
