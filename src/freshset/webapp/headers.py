"""What browsers are told about every answer: what may be loaded, framed, kept and passed on."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        self._always = dict(_ALWAYS)
        if secure:
            self._always["strict-transport-security"] = f"max-age={_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._always)
                headers["content-security-policy"] = policy_of(path)
                if not path.startswith(CROWD_PAGES):
                    headers["x-frame-options"] = "DENY"
                # Pages and answers are for one person; files of the look ask whether they changed.
                headers.setdefault(
                    "cache-control", "no-cache" if path.startswith("/static/") else "no-store"
                )
            await send(message)

        await self._app(scope, receive, add)
