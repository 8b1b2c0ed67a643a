"""Images of tasks by token: what they are tells nobody anything."""

from __future__ import annotations

import sqlalchemy as sa
from fakes.web import Client

from freshset.replication import tables
from freshset.replication.collecting.excluding import take_down
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project


def test_images_tell_nothing_beside_what_they_show(client_as, project: Project) -> None:
    make_tasks(project, who="ada", why="test")
    worker: Client = client_as("worker")
    task = worker.post("/api/labelling/next").json()["task"]
    query = sa.select(tables.task_items.c.token, tables.task_items.c.role)
    with project.read() as connection:
        roles = dict(connection.execute(query).all())
    heads: dict[str, set[frozenset[str]]] = {}
    for image in task["images"]:
        answer = worker.get(image["url"])
        assert answer.status_code == 200
        assert answer.content.startswith(b"\x89PNG")
        assert "private" in answer.headers["cache-control"]
        same = {
            f"{k}={v}" for k, v in answer.headers.items() if k not in {"content-length", "date"}
        }
        heads.setdefault(roles[image["token"]], set()).add(frozenset(same))
    assert set(heads) == {"candidate", "positive", "negative"}
    assert len(set.union(*heads.values())) == 1
    (only,) = heads["positive"]
    assert not [name for name in only if name.startswith(("etag", "last-modified"))]


def test_only_workers_see_them_and_only_by_token(client_as, project: Project) -> None:
    make_tasks(project, who="ada", why="test")
    worker: Client = client_as("worker")
    url = worker.post("/api/labelling/next").json()["task"]["images"][0]["url"]
    assert client_as("").get(url).status_code == 401
    with project.read() as connection:
        item = connection.execute(sa.select(tables.images.c.item_id)).scalars().first()
    for token in (
        item,
        "0" * 32,
        "..%2F..%2Fproject.db",
        "x" * 100,
        url.rsplit("/", 1)[1] + ".png",
    ):
        assert worker.get(f"/labelling/images/{token}").status_code in {404, 422}, token


def test_what_was_taken_down_is_gone(client_as, project: Project) -> None:
    make_tasks(project, who="ada", why="test")
    worker: Client = client_as("worker")
    image = worker.post("/api/labelling/next").json()["task"]["images"][0]
    query = sa.select(tables.task_items.c.item_id).where(
        tables.task_items.c.token == image["token"]
    )
    with project.read() as connection:
        item = connection.execute(query).scalar_one()
    take_down(project, [item], who="ada", why="asked")
    assert worker.get(image["url"]).status_code == 404
