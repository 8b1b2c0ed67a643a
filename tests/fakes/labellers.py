"""Scripted workers who label through the app's own interface, and a served app that may be killed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.serving import listen, make_server
from freshset.webapp.settings import Settings

API = "/api/labelling"


@dataclass
class Labeller:
    """Somebody who ticks what is right, but for a share of errors.

    Attributes
    ----------
    name
        Of the person, as answers from a file would name them.
    post
        Sends JSON to a path; returns status and what came back.
    right
        Whether the image of a token shows what is asked for.
    """

    name: str
    post: Callable[[str, Any], tuple[int, Any]]
    right: Callable[[str], bool]
    errors: float
    close: Callable[[], None] = lambda: None
    accepted: list[dict[str, str]] = field(default_factory=list)

    def work(self, most: int = 1_000_000) -> None:
        """Answer tasks until none is left, or so many are done."""
        rng = random.Random(self.name)
        status, desk = self.post(f"{API}/next", None)
        assert status == 200, desk
        while most and (task := desk["task"]) is not None:
            tokens = [image["token"] for image in task["images"]]
            chosen = [t for t in tokens if self.right(t) != (rng.random() < self.errors)]
            body = {"lease": task["lease"], "chosen": chosen}
            status, desk = self.post(f"{API}/tasks/{task['task_id']}/submission", body)
            assert status == 200, desk
            self.accepted.append(
                {
                    "worker": self.name, "task_id": task["task_id"], "tokens": "|".join(chosen),
                    "assignment_id": task["lease"], "submitted_at": datetime.now(UTC).isoformat(),
                }
            )  # fmt: skip
            most -= 1


def over_http(
    url: str, cookie: str, csrf: str
) -> tuple[Callable[[str, Any], tuple[int, Any]], Callable[[], None]]:
    """How to send to a served app as somebody with a session, and how to end it."""
    client = httpx.Client(
        base_url=url, headers={"cookie": cookie, "x-csrf-token": csrf}, timeout=30
    )

    def post(path: str, body: Any) -> tuple[int, Any]:
        answer = client.post(path, json=body)
        return answer.status_code, answer.json()

    return post, client.close


def serve(folder: Path, port: int) -> None:
    """Serve a project, in a process of its own."""
    with Project.open(folder) as project:
        app = create_app(project, Settings(base_url=f"http://127.0.0.1:{port}"))
        make_server(app).run(sockets=[listen("127.0.0.1", port)])
