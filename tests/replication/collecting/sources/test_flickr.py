from __future__ import annotations

import json
import logging
from urllib.parse import parse_qs

import httpx
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.flickr import KEY, Flickr
from freshset.replication.collecting.sources.registry import open_source

SECRET = "0123456789abcdef0123456789abcdef"
LICENCES = {
    "licenses": {
        "license": [
            {"id": "0", "name": "All Rights Reserved", "url": ""},
            {
                "id": "4",
                "name": "Attribution License",
                "url": "https://creativecommons.org/licenses/by/2.0/",
            },
        ]
    },
    "stat": "ok",
}


def photo(id: int, **more: object) -> dict[str, object]:
    """As flickr.photos.search gives it."""
    return {
        "id": str(id),
        "owner": "67131352@N04",
        "secret": "23879c079a",
        "server": "7130",
        "farm": 8,
        "title": "a photo",
        "ispublic": 1,
        "isfriend": 0,
        "isfamily": 0,
        "license": "4",
        "dateupload": "1342051200",
        "datetaken": "2012-07-12 00:30:11",
        "datetakengranularity": "0",
        "datetakenunknown": "0",
        "ownername": "Ada L.",
        "url_m": f"https://live.staticflickr.com/7130/{id}_23879c079a.jpg",
        "height_m": 500,
        "width_m": 375,
        **more,
    }


class Api:
    """Answers as Flickr does, from photos by search word."""

    def __init__(self, photos: dict[str, list[dict[str, object]]], per_page: int = 500) -> None:
        self.photos = photos
        self.per_page = per_page
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        assert request.method == "POST"
        assert not request.url.query
        self.asked.append(asked)
        if asked["method"] == "flickr.photos.licenses.getInfo":
            return httpx.Response(200, json=LICENCES)
        all, page = self.photos[asked["text"]], int(asked["page"])
        start = (page - 1) * self.per_page
        body = {
            "page": page,
            "pages": -(-len(all) // self.per_page),
            "perpage": self.per_page,
            "total": len(all),
            "photo": all[start : start + self.per_page],
        }
        return httpx.Response(200, json={"photos": body, "stat": "ok"})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)


def test_photos_are_found_by_synonym_and_each_has_an_equal_part(web, classes) -> None:
    api = Api(
        {
            "cat": [photo(i) for i in range(10)],
            "house cat": [photo(100 + i) for i in range(2)],
            "domestic dog": [photo(200 + i) for i in range(10)],
        }
    )
    found = list(Flickr(max_per_class=7).find(classes, web(api)))
    assert [(one.class_key, one.keyword, one.key) for one in found] == [
        *(("cat", "cat", str(i)) for i in range(4)),
        *(("cat", "house cat", str(100 + i)) for i in range(2)),
        *(("dog", "domestic dog", str(200 + i)) for i in range(7)),
    ]
    first = found[0]
    assert first.url == "https://live.staticflickr.com/7130/0_23879c079a.jpg"
    assert first.page == "https://www.flickr.com/photos/67131352@N04/0"
    assert (first.author, first.licence) == ("Ada L.", "Attribution License")
    assert first.taken_at == "2012-07-12 00:30:11"
    assert first.uploaded_at == "2012-07-12T00:00:00+00:00"


@pytest.mark.parametrize(
    ("there", "best"),
    [
        ("okhbcz-", "o"),
        ("khbcz-", "k"),
        ("hbcz-", "h"),
        ("bcz-", "b"),
        ("lcz", "l"),
        ("cz-", "c"),
        ("z-", "z"),
        ("-", "-"),
    ],
)
def test_the_largest_file_is_taken(web, classes, there: str, best: str) -> None:
    sizes = {f"url_{size}": f"https://x.org/{size}.jpg" for size in there}
    api = Api({"cat": [photo(1, **sizes)], "house cat": [], "domestic dog": []})
    (found,) = Flickr().find(classes, web(api))
    assert found.url == f"https://x.org/{best}.jpg"


def test_windows_are_whole_days_in_utc(web, classes) -> None:
    api = Api({"cat": [], "house cat": [], "domestic dog": []})
    source = open_source(
        "flickr",
        {
            "taken_from": "2012-07-11",
            "taken_to": "2013-07-11",
            "uploaded_from": "2012-07-11",
            "uploaded_to": "2013-07-11",
            "license": "4,5",
        },
    )
    assert not list(source.find(classes, web(api)))
    asked = api.asked[1]
    assert asked["min_taken_date"] == "2012-07-11 00:00:00"
    assert asked["max_taken_date"] == "2013-07-11 23:59:59"
    assert asked["min_upload_date"] == "1341964800"
    assert asked["max_upload_date"] == "1373587199"
    assert (asked["license"], asked["sort"]) == ("4,5", "date-posted-asc")
    assert [one.get("text") for one in api.asked] == [None, "cat", "house cat", "domestic dog"]


def test_pages_are_turned_until_there_is_enough(web, classes) -> None:
    many = [photo(i) for i in range(1200)]
    api = Api({"domestic dog": many}, per_page=500)
    found = list(Flickr(max_per_class=700).find(classes[1:], web(api)))
    assert [one.key for one in found] == [str(i) for i in range(700)]
    assert [one.get("page") for one in api.asked] == [None, "1", "2"]
    assert len(list(Flickr(max_per_class=5000).find(classes[1:], web(api)))) == 1200


def test_no_search_goes_deeper_than_flickr_does(web, classes) -> None:
    api = Api({"domestic dog": [photo(i) for i in range(6000)]})
    assert len(list(Flickr(max_per_class=6000).find(classes[1:], web(api)))) == 4000


def test_a_busy_flickr_is_asked_again(web, waits, classes) -> None:
    api = Api({"domestic dog": [photo(1)]})
    busy = {"stat": "fail", "code": 105, "message": "Service currently unavailable"}
    failures = iter([httpx.Response(200, json=busy), httpx.Response(503)])

    def handler(request: httpx.Request) -> httpx.Response:
        return next(failures, None) or api(request)

    assert len(list(Flickr().find(classes[1:], web(handler)))) == 1
    assert waits == [1, 2]


def test_the_key_is_never_shown(web, classes, caplog: pytest.LogCaptureFixture) -> None:
    message = f"Invalid API Key {SECRET} (Key has invalid format)"
    answer = httpx.Response(200, json={"stat": "fail", "code": 100, "message": message})
    with caplog.at_level(logging.DEBUG), pytest.raises(DataError) as caught:
        list(Flickr().find(classes, web(lambda _: answer)))
    assert "Invalid API Key *** (Key has invalid format)" in str(caught.value)
    assert SECRET not in str(caught.value) + caplog.text
    assert SECRET not in json.dumps(Flickr().model_dump(mode="json"))


def test_without_a_key_nothing_is_asked(web, classes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY)
    with pytest.raises(UsageError, match="read from FLICKR_API_KEY"):
        list(Flickr().find(classes, web(lambda _: httpx.Response(500))))


@pytest.mark.parametrize("body", [{"stat": "ok"}, [], {"photos": {"photo": 3, "pages": 1}}, 7])
def test_strange_answers(web, classes, body) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        licences = b"getInfo" in request.content
        return httpx.Response(200, json=LICENCES if licences else body)

    with pytest.raises(DataError, match="Flickr"):
        list(Flickr().find(classes, web(handler)))


def test_windows_that_end_before_they_begin() -> None:
    options = {"taken_from": "2013-01-01", "taken_to": "2012-01-01", "max_per_clas": 3}
    with pytest.raises(UsageError, match="Did you mean 'max_per_class'"):
        open_source("flickr", options)
    del options["max_per_clas"]
    with pytest.raises(UsageError, match="taken_from 2013-01-01 is later than taken_to 2012-01-01"):
        open_source("flickr", options)
