"""By which name a request calls the app.

A page elsewhere can make its own name lead to this machine and so read what the app says ("DNS
rebinding").  Such a request still calls us by that page's name, and is refused.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from freshset.webapp.errors import answer

_ANYBODY = ("/health/", "/metrics")
"""Probes of the machine call the app by its number; these answer nothing that a cookie opens."""


class Hosts:
    """Lets in what calls the app by one of its names."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that calls the app by one of its names."""
        if scope["type"] != "http" or scope["path"].startswith(_ANYBODY) or self._known(scope):
            await self._app(scope, receive, send)
            return
        response = answer(
            Request(scope),
            421,
            "This is not the address of the app.",
            "Open the link you were sent.",
        )
        await response(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        given = [value for key, value in scope["headers"] if key == b"host"]
        return len(given) == 1 and _name(given[0].decode("latin-1")) in self._names


def _name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
