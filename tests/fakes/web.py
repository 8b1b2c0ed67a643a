"""Projects and clients for tests of the web app; all pictures are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from fastapi import FastAPI
from PIL import Image
from starlette.responses import Response
from starlette.testclient import TestClient

from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.collecting.sources.testset import ORIGINAL, TestSetSource
from freshset.replication.people import Person
from freshset.replication.project import Project
from freshset.webapp.identity import FIELD, HEADER, cookie_name, open_session
from freshset.webapp.services import Services

SPEC = """\
name: shapes/fresh
original: shapes/test
per_class: 4
sampling: {strategy: threshold, threshold: 0.5, min_answers: 2}
tasks: {grid: 12, positives: 2, negatives: 2, answers: 3}
classes:
  - key: disc
    name: disc
    definition: A filled round shape.
    synonyms: [circle]
    links: ["https://en.wikipedia.org/wiki/Disk_(mathematics)"]
    confused_with: square
  - key: square
    definition: A shape with four equal sides.
    confused_with: disc
"""


def picture(key: str, seed: int, *, side: int = 96) -> Image.Image:
    """A disc or a square of some colour and place on noise."""
    rng = np.random.default_rng([seed, len(key)])
    pixels = rng.integers(90, 166, size=(side, side, 3), dtype=np.uint8)
    y, x = np.mgrid[:side, :side]
    cx, cy, r = *rng.uniform(0.35 * side, 0.65 * side, 2), rng.uniform(0.15 * side, 0.3 * side)
    inside = (x - cx) ** 2 + (y - cy) ** 2 < r * r
    if key == "square":
        inside = (abs(x - cx) < r) & (abs(y - cy) < r)
    pixels[inside] = rng.integers(0, 256, 3)
    return Image.fromarray(pixels)


def write_pictures(folder: Path, count: int, *, seed: int) -> Path:
    """A folder a class with so many pictures each."""
    for key in ("disc", "square"):
        (folder / key).mkdir(parents=True)
        for number in range(count):
            picture(key, 1_000 * seed + number).save(folder / key / f"{key}-{number}.png")
    return folder


def shapes_project(folder: Path, *, database: str = "", candidates: int = 20) -> Project:
    """A project with so many candidates a class, 8 original test and 4 training images each."""
    project = Project.create(folder, SPEC, who="ada", why="begin", database=database)
    for pool, seed, count in (("test", 1, 8), ("train", 2, 4)):
        path = write_pictures(folder.parent / f"{folder.name}-{pool}", count, seed=seed)
        source = TestSetSource(path=str(path), label=f"{ORIGINAL}{pool}", every_class=True)
        how = Collecting(pool="train" if pool == "train" else "test")
        collect(project, source, who="ada", why="original", how=how)
    path = write_pictures(folder.parent / f"{folder.name}-pool", candidates, seed=3)
    collect(project, Folder(path=path), who="ada", why="pool")
    return project


class Client:
    """Somebody's browser without a browser: cookies, and the token that pages send with changes."""

    def __init__(self, app: FastAPI, person: Person | None) -> None:
        self.person = person
        # The app's own client runs its lifespan; this one only shares the app.
        services: Services = app.state.services
        # The app answers only to its own names.
        self.http = TestClient(app, services.settings.base_url, follow_redirects=False)
        self.csrf = ""
        if person is not None:
            response = Response()
            session = open_session(response, services, person)
            self.csrf = session.csrf
            cookie = response.headers["set-cookie"].split(";")[0].split("=", 1)[1]
            host = urlsplit(services.settings.base_url).hostname or ""
            name = cookie_name(services.settings)
            self.http.cookies.set(name, cookie, domain=host, path="/")

    def get(self, path: str, **options: Any) -> Any:
        """Answer of GET."""
        return self.http.get(path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        """Answer of POST with JSON, as scripts of our pages send it."""
        return self.send("POST", path, json, **options)

    def send(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """Answer of any method with JSON."""
        headers = {HEADER: self.csrf} | options.pop("headers", {})
        return self.http.request(method, path, json=json, headers=headers, **options)

    def form(self, path: str, **fields: str) -> Any:
        """Answer of POST with a form, as our pages send it."""
        return self.http.post(path, data=fields | {FIELD: self.csrf})
