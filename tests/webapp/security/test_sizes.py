"""Requests and pictures that are larger than they should be."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.routes import SAFE, all_routes
from fakes.web import Client, shapes_project
from PIL import Image
from starlette.testclient import TestClient

from freshset.replication.collecting.candidates import collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.people import invite, join
from freshset.replication.tables import images, members, task_items
from freshset.webapp.app import create_app
from freshset.webapp.boards import upload_limits
from freshset.webapp.identity import HEADER

UNSAFE = [one for one in all_routes() if one.method not in SAFE]


@pytest.mark.parametrize("route", UNSAFE, ids=str)
def test_no_route_takes_a_body_that_is_too_large(route, visitor) -> None:
    client: Client = visitor("owner")
    settings = client.http.app.state.services.settings
    most = upload_limits(settings).get(route.path, settings.max_body)
    body = b'{"x": "' + b"x" * most + b'"}'
    headers = {"content-type": "application/json", HEADER: client.csrf}
    declared = client.http.request(route.method, route.filled("1"), content=body, headers=headers)
    assert declared.status_code == 413
    # What is no form is only read by routes that take it.
    kinds = {"application/x-www-form-urlencoded": {}}
    if route.path.startswith("/api/") and route.dependant.body_params:
        kinds["application/json"] = {HEADER: client.csrf}
    for kind, headers in kinds.items():
        parts = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
        streamed = client.http.request(
            route.method, route.filled("1"), content=parts, headers={"content-type": kind} | headers
        )
        assert streamed.status_code == 413


def test_deep_and_odd_bodies_break_nothing(visitor) -> None:
    client: Client = visitor("owner")
    headers = {"content-type": "application/json", HEADER: client.csrf}
    bodies = (b"[" * 400_000, b'{"a":' * 100_000, b"\xff\xfe", b'"\\ud800"', b"nul", b"1e999999",
              b'{"why": "\\u0000"}', b"9" * 100_000)  # fmt: skip
    for route in UNSAFE:
        for body in bodies:
            answer = client.http.request(
                route.method, route.filled("1"), content=body, headers=headers
            )
            assert answer.status_code < 500, (str(route), body[:20])


def bomb(path: Path, side: int = 60_000) -> None:
    """A PNG of a few kilobytes that wants gigabytes when it is decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + end

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 1_000_000, 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_a_picture_that_explodes_is_not_collected(tmp_path: Path) -> None:
    with shapes_project(tmp_path / "project", candidates=2) as project:
        (tmp_path / "found" / "disc").mkdir(parents=True)
        bomb(tmp_path / "found" / "disc" / "bomb.png")
        report = collect(project, Folder(path=tmp_path / "found"), who="ada", why="found")
        with project.read() as connection:
            widest = connection.execute(sa.select(sa.func.max(images.c.width))).scalar_one()
        assert widest < 1_000
        assert "60000 x 60000 pixels" in str(report.to_dict())


def test_pictures_are_shown_without_being_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was put in the place of a working copy reaches nobody's decoder on the server."""
    with shapes_project(tmp_path / "project") as project:
        make_tasks(project, who="ada", why="begin")
        app = create_app(project)
        with TestClient(app):
            invitation = invite(project, "worker", who="ada")
            worker = Client(app, join(project, invitation.invitation_id, "Bo"))
            with project.read() as connection:
                query = sa.select(task_items.c.token).join(
                    members, members.c.item_id == task_items.c.item_id
                )
                token = connection.execute(query.limit(1)).scalar_one()
            first = worker.get(f"/labelling/images/{token}")
            assert first.status_code == 200
            assert first.headers["content-type"] in {"image/jpeg", "image/png"}

            def refuse(*_: object, **__: object) -> None:
                raise AssertionError("decoded")

            monkeypatch.setattr(Image, "open", refuse)
            again = worker.get(f"/labelling/images/{token}")
            assert again.content == first.content
            for name in ("last-modified", "etag"):
                assert name not in again.headers
