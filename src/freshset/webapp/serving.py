"""The app on a port: where it listens, and how it stops."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

GRACE = 10
"""Seconds that requests under way have when the server is told to stop."""


def make_server(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """Make a server; run it with ``serve``.

    Parameters
    ----------
    port
        0 for a free one; see `listen`.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        limit_concurrency=1_000,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Open the port before the server runs, so that the address is known.

    Raises
    ------
    OSError
        When somebody else has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind((host, port))
    return place
