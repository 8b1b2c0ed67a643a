"""How much a request may bring."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freshset.webapp.errors import answer

_SAID = "This is more than the app takes at once."


class Bodies:
    """Refuses bodies above so many bytes, whether a request declares them or just sends them.

    Parameters
    ----------
    most
        Bytes.
    larger
        Bytes for some paths, in place of these.
    """

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._most = most
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, unless it brings too much."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._most)
        declared = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > most:
            await answer(Request(scope), 413, _SAID, "")(scope, receive, send)
            return
        came = 0

        async def count() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413, _SAID)  # whoever reads the body lets it through
            return message

        await self._app(scope, count, send)
