"""Reaching other machines: whether anything listens there, and saying in short why not."""

from __future__ import annotations

import socket


def check_reachable(address: str) -> None:
    """Raise OSError when nothing listens at ``host:port``, on which Ray would wait for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and "/" not in host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def reason(error: BaseException) -> str:
    """Return what happened, of errors that go on about what to try."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    line = text.strip().rpartition("\n")[2].strip()
    return line.partition(". ")[0].rstrip(".")
