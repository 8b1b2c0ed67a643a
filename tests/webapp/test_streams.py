from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from freshset.webapp.errors import TooMany
from freshset.webapp.streams import MOST, Streams

NAMED = {"name": "a.bin", "media_type": "application/x-test"}


class Pieces:
    """A generator that notes whether it was closed."""

    def __init__(self, n: int = 5) -> None:
        self.open = True
        self.made = 0
        self._n = n

    def __call__(self) -> Iterator[bytes]:
        try:
            for number in range(self._n):
                self.made += 1
                yield b"%d" % number
        finally:
            self.open = False


def answer(response: StreamingResponse, *, leaves_after: int = 99) -> tuple[int, bytes]:
    """Status and body, as a client gets them that may leave after so many pieces."""
    got: list[Any] = []

    async def run() -> None:
        left = asyncio.Event()

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            got.append(message)
            if len(got) > leaves_after:
                left.set()
                await asyncio.sleep(10)

        scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}}
        await response(scope, receive, send)

    asyncio.run(run())
    return got[0]["status"], b"".join(message.get("body", b"") for message in got[1:])


def test_all_pieces_arrive_under_a_name() -> None:
    pieces = Pieces()
    response = Streams().send(pieces(), **NAMED, headers={"X-More": "1"})
    assert pieces.made == 1  # the others are made when they are sent
    assert answer(response) == (200, b"01234")
    assert not pieces.open
    assert response.headers["content-disposition"] == 'attachment; filename="a.bin"'
    assert (response.headers["x-more"], response.media_type) == ("1", "application/x-test")


def test_whoever_leaves_frees_what_was_held() -> None:
    pieces, streams = Pieces(1_000), Streams()
    answer(streams.send(pieces(), **NAMED), leaves_after=3)
    assert not pieces.open
    assert pieces.made < 10
    # Its place is free again.
    held = [streams.send(Pieces()(), **NAMED) for _ in range(MOST)]
    with pytest.raises(TooMany):
        streams.send(Pieces()(), **NAMED)
    answer(held[0])
    answer(streams.send(Pieces()(), **NAMED))


def test_what_goes_wrong_at_once_is_no_answer() -> None:
    def broken() -> Iterator[bytes]:
        raise ValueError("no")
        yield b""

    streams = Streams()
    for _ in range(MOST + 1):
        with pytest.raises(ValueError, match="no"):
            streams.send(broken(), **NAMED)


def test_what_goes_wrong_later_ends_the_connection() -> None:
    def broken() -> Iterator[bytes]:
        yield b"1"
        raise ValueError("no")

    with pytest.raises((ValueError, ExceptionGroup)):
        answer(Streams().send(broken(), **NAMED))


def test_nothing_is_an_empty_file() -> None:
    assert answer(Streams().send(iter(()), **NAMED)) == (200, b"")
