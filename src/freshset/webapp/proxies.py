"""Whom a request comes from, where proxies stand between; only proxies named by the operator count."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from freshset.core.errors import UsageError

_FORWARDED = b"x-forwarded-for"


class Proxies:
    """Proxies that are believed.

    Parameters
    ----------
    trusted
        Addresses or networks, such as ``127.0.0.1`` or ``10.0.0.0/8``.

    Raises
    ------
    UsageError
        When one is neither.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(map(_network, trusted))

    def speak_for(self, scope: Scope) -> bool:
        """Whether a request was handed on by one of them."""
        return bool(self._networks) and self._trusted(_peer(scope))

    def address(self, scope: Scope) -> str:
        """Address that a request came from, as far as anybody who is believed says.

        Each proxy adds whom it heard from at the end of the header, so the last one that is no
        proxy of ours is right, and everything before it may be made up.
        """
        address = _peer(scope)
        if not self.speak_for(scope):
            return address
        given = b",".join(value for key, value in scope["headers"] if key == _FORWARDED)
        for part in reversed(given.decode("latin-1").split(",")):
            found = part.strip()
            if not _is_address(found):
                break
            address = found
            if not self._trusted(found):
                break
        return address

    def _trusted(self, text: str) -> bool:
        return _is_address(text) and any(ip_address(text) in one for one in self._networks)


def neighbourhood(address: str) -> str:
    """Return what stands for an address where requests are counted.

    A home or an office has a whole /64 network of IPv6.
    """
    if not _is_address(address):
        return address
    place = ip_address(address)
    if isinstance(place, IPv6Address):
        return str(ip_network((place, 64), strict=False))
    return address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no address of a proxy.", "Give such as 127.0.0.1 or 10.0.0.0/8."
        ) from error


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
