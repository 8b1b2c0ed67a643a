from __future__ import annotations

import socket

import pytest

from freshset.engine.backends.reaching import check_reachable, reason


def test_a_port_where_nothing_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_reachable(f"127.0.0.1:{port}")
    with pytest.raises(OSError, match="refused"):
        check_reachable(f"127.0.0.1:{port}")


@pytest.mark.parametrize("address", ["", "auto", "ray://head:10001/name"])
def test_other_addresses_are_left_to_ray(address: str) -> None:
    check_reachable(address)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (RuntimeError("long\ntale\nThe node is gone. Try this and that."), "The node is gone"),
        (ValueError("no."), "no"),
    ],
)
def test_an_error_is_said_in_short(error: Exception, said: str) -> None:
    assert reason(error) == said
