from __future__ import annotations

import httpx
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.openverse import TOKEN, Openverse
from freshset.replication.collecting.sources.registry import open_source


def result(id: str, **more: object) -> dict[str, object]:
    """As /v1/images/ gives it."""
    return {
        "id": id,
        "title": "Cat",
        "indexed_on": "2020-03-28T14:09:14.000000Z",
        "foreign_landing_url": f"https://www.flickr.com/photos/1/{id}",
        "url": f"https://live.staticflickr.com/1/{id}_b.jpg",
        "creator": "Ada L.",
        "creator_url": "https://www.flickr.com/photos/1",
        "license": "by-sa",
        "license_version": "2.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
        "provider": "flickr",
        "source": "flickr",
        "category": None,
        "filesize": None,
        "filetype": None,
        "tags": [{"name": "cat", "accuracy": None}],
        "attribution": "...",
        "mature": False,
        "height": 683,
        "width": 1024,
        **more,
    }


class Api:
    """Answers as Openverse does."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        page, size = (int(request.url.params[name]) for name in ("page", "page_size"))
        if "authorization" not in request.headers and size > 20:
            detail = "page_size may not exceed 20 for anonymous requests"
            return httpx.Response(401, json={"detail": detail})
        word = request.url.params["q"]
        results = [
            result(f"{word}-{i}") for i in range((page - 1) * size, min(self.n, page * size))
        ]
        body = {"result_count": self.n, "page_count": -(-self.n // size), "page_size": size}
        return httpx.Response(200, json=body | {"page": page, "results": results})


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)


def test_results_are_found_by_synonym(web, classes) -> None:
    api = Api(50)
    found = list(
        Openverse(max_per_class=50, license="by-sa", source="flickr").find(classes, web(api))
    )
    assert len(found) == 25 + 25 + 50
    first = found[0]
    assert (first.key, first.class_key, first.keyword) == ("cat-0", "cat", "cat")
    assert first.url == "https://live.staticflickr.com/1/cat-0_b.jpg"
    assert first.page == "https://www.flickr.com/photos/1/cat-0"
    assert (first.author, first.licence) == ("Ada L.", "CC BY-SA 2.0")
    assert [one.url.params["page"] for one in api.asked] == ["1", "2"] * 2 + ["1", "2", "3"]
    params = api.asked[0].url.params
    assert (params["license"], params["source"], params["mature"]) == ("by-sa", "flickr", "false")
    assert "license_type" not in params


def test_pages_end_where_openverse_says(web, classes) -> None:
    api = Api(30)
    assert len(list(Openverse(max_per_class=500).find(classes[1:], web(api)))) == 30
    assert len(api.asked) == 2
    empty = Api(0)
    assert not list(Openverse().find(classes[1:], web(empty)))
    assert len(empty.asked) == 1


def test_a_token_buys_larger_pages_and_stays_in_its_header(
    web, classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(100)
    assert len(list(Openverse(page_size=100).find(classes[1:], web(api)))) == 100
    assert len(api.asked) == 5
    monkeypatch.setenv(TOKEN, "secret")
    api.asked.clear()
    assert len(list(Openverse(page_size=100).find(classes[1:], web(api)))) == 100
    (asked,) = api.asked
    assert asked.headers["authorization"] == "Bearer secret"
    assert "secret" not in str(asked.url)


@pytest.mark.parametrize(
    ("code", "version", "licence"),
    [("cc0", "1.0", "CC0 1.0"), ("pdm", "1.0", "PDM 1.0"), ("by", None, "CC BY"), (None, "", "")],
)
def test_licences_as_people_write_them(web, classes, code, version, licence) -> None:
    body = {
        "page_count": 1,
        "results": [result("1", license=code, license_version=version, creator=None)],
    }
    (found,) = Openverse().find(classes[1:], web(lambda _: httpx.Response(200, json=body)))
    assert (found.licence, found.author) == (licence, "")


@pytest.mark.parametrize("body", [{}, [], {"results": None, "page_count": 1}, {"results": []}])
def test_strange_answers(web, classes, body) -> None:
    with pytest.raises(DataError, match="Openverse|no JSON"):
        list(Openverse().find(classes, web(lambda _: httpx.Response(200, json=body))))


def test_options_are_checked() -> None:
    with pytest.raises(UsageError, match="2 problems"):
        open_source("openverse", {"max_per_class": 0, "page_size": 501})
