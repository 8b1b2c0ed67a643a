from __future__ import annotations

import sqlalchemy as sa
from fakes.pool import add_images, exclude

from freshset.replication import tables
from freshset.replication.collecting.facts import (
    Exclusion,
    Origin,
    Use,
    image_facts,
    picture_place,
)
from freshset.replication.project import Project


def found(project: Project, item: str, key: str, **values: str) -> None:
    with project.change("test.origin", who="ada", why="test") as change:
        row = {"source": "web", "key": key, "class_key": "cat", "item_id": item}
        row |= {"retrieved_at": "2026-01-01"} | values
        change.connection.execute(sa.insert(tables.origins), [row])


def test_what_is_known_of_images(any_project: Project) -> None:
    add_images(any_project, "ba", "cat")
    add_images(any_project, "b", "dog", pool="test")
    found(any_project, "b", "2", page="https://x/2", author="Bo", licence="by")
    found(any_project, "b", "1", url="file:///etc/passwd")
    exclude(any_project, "a", kind="takedown")
    with any_project.read() as connection:
        facts = image_facts(connection, ["b", "nobody", "a", "b"])
    assert list(facts) == ["b", "a"]
    b, a = facts["b"], facts["a"]
    assert (b.path, b.width, b.height, b.format, b.bytes) == ("images/b.png", 8, 8, "PNG", 100)
    assert b.uses == (Use("candidate", "cat"), Use("test", "dog"))
    assert (b.original, b.down, a.original, a.down) == (True, False, False, True)
    assert [(one.key, one.author, one.link) for one in b.origins] == [
        ("1", "", ""), ("2", "Bo", "https://x/2"),
    ]  # fmt: skip
    assert a.exclusion is not None
    assert (a.exclusion.kind, a.exclusion.reason, a.exclusion.who) == ("takedown", "blurred", "ada")
    body = b.to_dict()
    assert "path" not in body
    assert (body["original"], body["origins"][1]["licence"]) == (True, "by")


def test_many_images_at_once(any_project: Project) -> None:
    ids = [f"i{number:04}" for number in range(501)]
    add_images(any_project, ids, "cat")
    with any_project.read() as connection:
        assert list(image_facts(connection, ids)) == ids
        assert image_facts(connection, []) == {}


def test_where_a_picture_is(any_project: Project) -> None:
    add_images(any_project, "abc", "cat")
    exclude(any_project, "b")
    exclude(any_project, "c", kind="takedown")
    with any_project.read() as connection:
        places = {item: picture_place(connection, item) for item in "abcd"}
    assert places == {
        "a": ("images/a.png", False),
        "b": ("images/b.png", False),
        "c": ("images/c.png", True),
        "d": None,
    }


def test_links_are_of_the_web_only() -> None:
    def link(page: str, url: str) -> str:
        return Origin("s", "k", "c", "", url, page, "", "", "", "", "").link

    assert link("javascript:alert(1)", "https://x/a.jpg") == "https://x/a.jpg"
    assert link("http://x/p", "https://x/a.jpg") == "http://x/p"
    assert link("", "/home/me/a.jpg") == ""
    assert Exclusion("blacklist", "x", "ada", "now").kind == "blacklist"
