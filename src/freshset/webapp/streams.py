"""Downloads that are made while they are sent, so that their size does not matter."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import anyio
from anyio.to_thread import run_sync
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from freshset.webapp.errors import TooMany

MOST = 4
"""Downloads at a time: each holds a connection to the database for as long as its reader takes."""

_PATIENCE = 20


class Streams:
    """The downloads of one app."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST)

    def send(
        self,
        pieces: Iterator[bytes],
        *,
        name: str,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> StreamingResponse:
        """Answer with a file, whose pieces are made one by one in a thread.

        What goes wrong before the first piece is raised here; whatever goes wrong later ends the
        connection, so that nobody takes a part for the whole.

        Parameters
        ----------
        pieces
            A generator, which is closed in the end, also when the reader goes away.
        name
            Of the file.

        Raises
        ------
        TooMany
            When too many are under way.
        """
        if not self._places.acquire(blocking=False):
            raise TooMany(_PATIENCE)
        held = self._held(pieces)
        first = next(held, b"")
        said = {"Content-Disposition": f'attachment; filename="{name}"'} | dict(headers or {})
        return _Download(_Pieces(first, held), media_type=media_type, headers=said)

    def _held(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from pieces
        finally:
            self._places.release()


class _Pieces:
    """The first piece, and then the others; closing it closes what makes them."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._rest) if first is None else first

    def close(self) -> None:
        close = getattr(self._rest, "close", None)
        if close is not None:
            close()


class _Download(StreamingResponse):
    """Closes its pieces whatever happens: the reader may go away at any time."""

    def __init__(self, pieces: _Pieces, *, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(iterate_in_threadpool(pieces), media_type=media_type, headers=headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Also when this very task is being cancelled.
            with anyio.CancelScope(shield=True):
                await run_sync(self._pieces.close)
