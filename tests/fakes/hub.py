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


@contextmanager
def hub(repositories: dict[str, dict[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Serve files by repository and name; gives the address and a list that requests are put in."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *args: object) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            path = self.path.partition("?")[0].strip("/")
            if path.startswith("api/models/"):
                return self._listing(path.removeprefix("api/models/"), with_body)
            repository, _, rest = path.partition("/resolve/")
            revision, _, name = rest.partition("/")
            if repository not in repositories:
                return self._refuse("RepoNotFound")
            if revision not in {"main", COMMIT}:
                return self._refuse("RevisionNotFound")
            content = repositories[repository].get(name)
            if content is None:
                return self._refuse("EntryNotFound")
            return self._send(content, with_body, hashlib.sha256(content).hexdigest())

        def _listing(self, rest: str, with_body: bool) -> None:
            repository = rest.partition("/revision/")[0].partition("/tree/")[0]
            if repository not in repositories:
                return self._refuse("RepoNotFound")
            files = repositories[repository]
            if "/tree/" in rest:
                tree = [
                    {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
                    for name, content in files.items()
                ]
                return self._send(json.dumps(tree).encode(), with_body, "listing")
            siblings = [{"rfilename": name} for name in files]
            content = {"id": repository, "sha": COMMIT, "siblings": siblings}
            return self._send(json.dumps(content).encode(), with_body, "listing")

        def _refuse(self, code: str) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, content: bytes, with_body: bool, etag: str) -> None:
            self.send_response(200)
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
