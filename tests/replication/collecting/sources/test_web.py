from __future__ import annotations

import email.utils
import logging
import sys
import time

import httpx
import pytest

from freshset.core.errors import DataError, MissingExtraError
from freshset.replication.collecting.sources.web import Web

URL = "https://api.example.org/search"


def test_an_answer_is_json(web) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.params["q"] == "a cat"
        assert request.headers["user-agent"].startswith("freshset/")
        return httpx.Response(200, json={"n": 1})

    assert web(handler).ask(URL, {"q": "a cat"}) == {"n": 1}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_busy_are_asked_five_times_with_longer_and_longer_waits(web, waits, status) -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status)

    with pytest.raises(DataError, match=f"api.example.org answered {status}") as caught:
        web(handler).ask(URL, {})
    assert (len(asked), waits) == (5, [1, 2, 4, 8])
    assert "goes on where it stopped" in caught.value.hint


def test_the_third_answer_is_taken(web, waits) -> None:
    answers = iter([httpx.ConnectTimeout("x"), httpx.Response(502), httpx.Response(200, json=[])])

    def handler(request: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert web(handler).ask(URL, {}) == []
    assert waits == [1, 2]


@pytest.mark.parametrize("as_date", [False, True])
def test_what_a_server_asks_to_wait_is_waited(web, waits, as_date) -> None:
    text = email.utils.formatdate(time.time() + 60, usegmt=True) if as_date else "60"
    answers = iter(
        [httpx.Response(429, headers={"Retry-After": text}), httpx.Response(200, json=1)]
    )
    assert web(lambda _: next(answers)).ask(URL, {}) == 1
    assert 57 < waits[0] <= 60


def test_a_server_that_asks_for_hours_is_left_alone(web, waits) -> None:
    answer = httpx.Response(429, headers={"Retry-After": "86400"})
    with pytest.raises(DataError, match="asks to wait for 86,400 seconds"):
        web(lambda _: answer).ask(URL, {})
    assert not waits


def test_a_strange_retry_after_is_passed_over(web, waits) -> None:
    answers = iter(
        [httpx.Response(429, headers={"Retry-After": "soon"}), httpx.Response(200, json=1)]
    )
    assert web(lambda _: next(answers)).ask(URL, {}) == 1
    assert waits == [1]


def test_refusals_are_not_repeated(web, waits) -> None:
    answer = httpx.Response(401, json={"detail": "page_size may not exceed 20"})
    with pytest.raises(DataError, match=r"answered 401 \(page_size may not exceed 20\)"):
        web(lambda _: answer).ask(URL, {})
    assert not waits


@pytest.mark.parametrize("body", [b"<html>", b"null", b"\xff"])
def test_no_json(web, body) -> None:
    with pytest.raises(DataError, match="no JSON"):
        web(lambda _: httpx.Response(200, content=body)).ask(URL, {})


def test_questions_keep_their_distance(web, waits) -> None:
    client = web(lambda _: httpx.Response(200, json=1), interval=1)
    for _ in range(3):
        client.ask(URL, {})
    assert waits == [1, 1]


def test_the_unreachable(web, waits) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("api_key=secret")

    with pytest.raises(DataError, match=r"cannot be reached \(ConnectError\)") as caught:
        web(handler).ask(URL, {"api_key": "secret"})
    assert "secret" not in str(caught.value)
    assert waits == [1, 2, 4, 8]


def test_secrets_in_a_posted_body_reach_no_log(web, caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert b"api_key=secret" in request.content
        return httpx.Response(200, json=1)

    with caplog.at_level(logging.DEBUG):
        web(handler).ask(URL, {"api_key": "secret"}, post=True)
    assert URL in caplog.text
    assert "secret" not in caplog.text


def test_files(web) -> None:
    assert web(lambda _: httpx.Response(200, content=b"x" * 100)).get(URL, 100) == b"x" * 100
    with pytest.raises(DataError, match="more than 99 bytes"):
        web(lambda _: httpx.Response(200, content=b"x" * 100)).get(URL, 99)
    with pytest.raises(DataError, match=r"api.example.org answered 404\."):
        web(lambda _: httpx.Response(404)).get(URL, 100)


def test_a_file_is_tried_again_from_its_start(web, waits) -> None:
    answers = iter([httpx.Response(503, content=b"busy"), httpx.Response(200, content=b"whole")])
    assert web(lambda _: next(answers)).get(URL, 100) == b"whole"
    assert waits == [1]


def test_flickrs_picture_of_no_picture(web) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if "unavailable" not in request.url.path:
            to = "https://combo.staticflickr.com/pw/images/en-us/photo_unavailable.png"
            return httpx.Response(302, headers={"Location": to})
        return httpx.Response(200, content=b"a picture")

    with pytest.raises(DataError, match="no longer there"):
        web(handler).get("https://live.staticflickr.com/1/2_3.jpg", 100)


@pytest.mark.parametrize("url", ["https://[", "ftp://example.org/a.jpg", "https://", "x"])
def test_addresses_that_are_none(web, url) -> None:
    with pytest.raises(DataError):
        web(lambda _: httpx.Response(200)).get(url, 10)


def test_httpx_has_an_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    client = Web()
    with pytest.raises(MissingExtraError, match=r'pip install "freshset\[testset\]"'):
        client.ask(URL, {})
    client.close()


def test_closing_twice_is_fine(web) -> None:
    client = web(lambda _: httpx.Response(200, json=1))
    client.close()
    client.ask(URL, {})
    client.close()
    client.close()
