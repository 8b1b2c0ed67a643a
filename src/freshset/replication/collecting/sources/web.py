"""Asking other machines politely: one question a second, and longer waits when they are busy."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from freshset.core.errors import DataError, MissingExtraError
from freshset.version import __version__

if TYPE_CHECKING:
    import httpx

TRIES = 5
"""Times that something is asked for: waits of 1, 2, 4 and 8 seconds lie between."""

_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
_LONGEST_WAIT = 300.0
_AGAIN = "Run the command again later; it goes on where it stopped."


def _never(_: object) -> bool:
    return False


@dataclass
class Web:
    """A client for APIs and files.

    Attributes
    ----------
    transport
        In place of the network, for tests.
    sleep, clock
        In place of waiting, for tests.
    interval
        Least seconds between two questions to an API.
    """

    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    interval: float = 1.0
    _asked: float = field(default=float("-inf"), init=False, repr=False)

    @cached_property
    def _client(self) -> httpx.Client:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError(
                "Images on the web need httpx, which is not installed.",
                'Install it: pip install "freshset[testset]"',
            ) from error
        return httpx.Client(
            transport=self.transport,
            timeout=30.0,
            follow_redirects=True,
            headers={"User-Agent": f"freshset/{__version__} (a fresh test set for research)"},
        )

    def close(self) -> None:
        """Close the connections, if there were any."""
        if "_client" in self.__dict__:
            self._client.close()

    def ask(
        self,
        url: str,
        params: Mapping[str, str | int],
        *,
        headers: Mapping[str, str] | None = None,
        post: bool = False,
        busy: Callable[[Any], bool] = _never,
    ) -> Any:
        """Ask an API.

        Parameters
        ----------
        params
            Of the question.  With ``post`` they are in its body, where a key stands in no log of
            addresses.
        headers
            Such as an authorisation.
        busy
            Whether an answer says that the question should be asked again later, in APIs that do not
            say so by the status.

        Returns
        -------
        Any
            The JSON of the answer.

        Raises
        ------
        DataError
            When there is no answer, or it is no JSON; neither parameters nor headers are repeated.
        """

        def once() -> httpx.Response:
            self._wait_for_turn()
            if post:
                return self._client.post(url, data=dict(params), headers=headers)
            return self._client.get(url, params=dict(params), headers=headers)

        response = self._persistently(once, _host(url), lambda one: busy(_json(one)))
        if response.is_error:
            said = _said(response)
            raise DataError(f"{_host(url)} answered {response.status_code}{said}.", _AGAIN)
        answer = _json(response)
        if answer is None:
            raise DataError(f"{_host(url)} answered something that is no JSON.", _AGAIN)
        return answer

    def get(self, url: str, most: int) -> bytes:
        """Get a file.

        Parameters
        ----------
        most
            Bytes that are still taken.

        Raises
        ------
        DataError
            When it cannot be had, or is too large; says why, without the address.
        """
        body = bytearray()

        def once() -> httpx.Response:
            body.clear()
            with self._client.stream("GET", url) as response:
                if response.is_success and "photo_unavailable" in response.url.path:
                    # Flickr shows a picture that says so in place of one that was removed.
                    raise DataError("The photo is no longer there.")
                for part in response.iter_bytes() if response.is_success else ():
                    body.extend(part)
                    if len(body) > most:
                        raise DataError(f"The file has more than {most:,} bytes.")
            return response

        host = _host(url)
        response = self._persistently(once, host)
        if response.is_error:
            raise DataError(f"{host} answered {response.status_code}.")
        return bytes(body)

    def _wait_for_turn(self) -> None:
        left = self._asked + self.interval - self.clock()
        if left > 0:
            self.sleep(left)
        self._asked = self.clock()

    def _persistently(
        self,
        once: Callable[[], httpx.Response],
        host: str,
        busy: Callable[[httpx.Response], bool] = _never,
    ) -> httpx.Response:
        client = self._client  # says what is missing before httpx is asked for
        del client
        import httpx

        for attempt in range(TRIES):
            wait, last = float(2**attempt), attempt == TRIES - 1
            try:
                response = once()
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
                raise DataError(f"{host}: {type(error).__name__}.") from error
            except httpx.RequestError as error:
                if last:
                    name = type(error).__name__
                    raise DataError(f"{host} cannot be reached ({name}).", _AGAIN) from error
            else:
                if last or not (response.status_code in _BUSY or busy(response)):
                    return response
                asked = _retry_after(response.headers.get("Retry-After", ""))
                if asked > _LONGEST_WAIT:
                    raise DataError(f"{host} asks to wait for {asked:,.0f} seconds.", _AGAIN)
                wait = max(wait, asked)
            self.sleep(wait)
        raise AssertionError  # the last attempt returns or raises


def _json(response: httpx.Response) -> Any:
    """The JSON of an answer; None when it is none."""
    try:
        return response.json()
    except ValueError:
        return None


def _host(url: str) -> str:
    """Return who is asked; raises `DataError` when that is nobody on the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DataError("The address is none of the web.")
    return parts.hostname


def _retry_after(text: str) -> float:
    """Seconds that an answer asks to wait; it may give a date."""
    if text.isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, at.timestamp() - time.time())


def _said(response: httpx.Response) -> str:
    """What an API says is wrong, where it says so as most do."""
    body = _json(response)
    detail = body.get("detail") if isinstance(body, dict) else None
    return f" ({str(detail)[:200]})" if detail else ""
