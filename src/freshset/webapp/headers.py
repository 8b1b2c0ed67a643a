"""What browsers are told about every answer: what may be loaded, framed, kept and passed on."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]
_YEAR = 365 * 24 * 3600
_CROWD = ("https://www.mturk.com", "https://workersandbox.mturk.com")
CROWD_PAGES = "/mturk/"
"""Pages below this path are shown within those of Mechanical Turk, and submit to them."""

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # addresses of invitations hold tokens
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def policy_of(path: str) -> str:
    """Return the content-security policy of a path: nothing from elsewhere, nothing in line."""
    crowd = path.startswith(CROWD_PAGES)
    return "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action " + " ".join(("'self'", *_CROWD) if crowd else ("'self'",)),
        "base-uri 'none'",
        "frame-ancestors " + (" ".join(_CROWD) if crowd else "'none'"),
    ))  # fmt: skip


class Headers:
    """Adds them to every answer; what a route says itself about keeping stays.

    Parameters
    ----------
    secure
        Whether people reach the app by HTTPS, and should never do otherwise from now on.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        always = dict(_ALWAYS)
        if secure:
            always["strict-transport-security"] = f"max-age={_YEAR}"
        own = {"content-security-policy": policy_of("/"), "x-frame-options": "DENY"}
        # Every answer pays for this, so that it is put together once.
        self._usual = _raw(always | own)
        self._crowd = _raw(always | {"content-security-policy": policy_of(CROWD_PAGES)})
        self._names = frozenset(name for name, _ in self._usual)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._complete(scope["path"], message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, add)

    def _complete(self, path: str, given: Iterable[Header]) -> list[Header]:
        headers = [one for one in given if one[0].lower() not in self._names]
        headers += self._crowd if path.startswith(CROWD_PAGES) else self._usual
        # Pages and answers are for one person; files of the look ask whether they changed.
        if not any(name.lower() == b"cache-control" for name, _ in headers):
            kept = b"no-cache" if path.startswith("/static/") else b"no-store"
            headers.append((b"cache-control", kept))
        return headers


def _raw(headers: dict[str, str]) -> list[Header]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
