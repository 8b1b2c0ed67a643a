"""A hub on this machine: enough of the real one's protocol for the real client to fetch files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from freshset.models import hub as client

COMMIT = "0123456789abcdef0123456789abcdef01234567"


NOBODY = "http://127.0.0.1:9"  # the port of 'discard', on which nothing listens


def point(monkeypatch: pytest.MonkeyPatch, address: str, cache: Path) -> None:
    """Make the real client ask another hub, and keep what it fetches in another folder."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(client, "_silence", {})


class Server(ThreadingHTTPServer):
    """Has files by repository and name, and notes what it was asked for."""

    def __init__(self, repositories: dict[str, dict[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories = repositories
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0].strip("/")
        if path.startswith("api/models/"):
            self._send(self._listing(path.removeprefix("api/models/")))
            return
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repository not in self.server.repositories:
            self._refuse("RepoNotFound")
        elif revision not in {"main", COMMIT}:
            self._refuse("RevisionNotFound")
        elif name not in self.server.repositories[repository]:
            self._refuse("EntryNotFound")
        else:
            self._send(self.server.repositories[repository][name])

    def _listing(self, path: str) -> bytes:
        tree = "/tree/" in path
        repository = path.partition("/tree/" if tree else "/revision/")[0]
        files = self.server.repositories[repository]
        if not tree:
            siblings = [{"rfilename": name} for name in files]
            return json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()
        entries = [
            {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
            for name, content in files.items()
        ]
        return json.dumps(entries).encode()

    def log_message(self, *args: object) -> None:
        pass

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@contextmanager
def hub(repositories: dict[str, dict[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Serve files by repository and name; gives the address and a list of what was asked for."""
    server = Server(repositories)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
