"""The app on a port: where it listens, and how it stops."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

GRACE = 10
"""Seconds that requests under way have when the server is told to stop."""
# The thread that writes asks for its turn after each statement, twenty times a transaction; Python's
# 5 ms a time would cost more than the statements do.
_TURN = 5e-4


def make_server(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """Make a server; run it with ``serve``.  Threads of the process take shorter turns from now on.

    Parameters
    ----------
    port
        0 for a free one; see `listen`.
    """
    sys.setswitchinterval(_TURN)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # otherwise anybody on this machine is believed; see `proxies`
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=1_000,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Open the port before the server runs, so that the address is known and nobody else takes it.

    Raises
    ------
    OSError
        When somebody else has it, or there is no such address here.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = found[0]
    place = socket.socket(family)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
        place.listen(2_048)
    except OSError:
        place.close()
        raise
    return place


def serve(app: FastAPI, place: socket.socket) -> None:
    """Answer until the process is told to stop (SIGINT or SIGTERM).

    Requests under way then have `GRACE` seconds to end, and what workers were told is saved is.
    """
    with _quiet_signals():
        make_server(app).run(sockets=[place])


@contextmanager
def _quiet_signals() -> Iterator[None]:
    # uvicorn stops in order and then sends itself the signal again, which would end the process
    # as if it had failed.
    def ignore(number: int, frame: FrameType | None) -> None:
        del number, frame

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, ignore) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
