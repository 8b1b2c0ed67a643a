from __future__ import annotations

from typing import Any

import pytest

from freshset.core.errors import UsageError
from freshset.webapp.proxies import Proxies, neighbourhood


def scope(peer: str, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "client": (peer, 1), "headers": headers}


def test_nobody_is_believed_by_default() -> None:
    assert Proxies().address(scope("127.0.0.1", "9.9.9.9")) == "127.0.0.1"
    assert not Proxies().speak_for(scope("127.0.0.1"))


def test_a_trusted_proxy_says_whom_it_heard_from() -> None:
    proxies = Proxies(["127.0.0.1"])
    assert proxies.address(scope("127.0.0.1", "9.9.9.9")) == "9.9.9.9"
    assert proxies.address(scope("8.8.8.8", "9.9.9.9")) == "8.8.8.8"


def test_what_a_client_made_up_stands_before_what_the_proxy_saw() -> None:
    proxies = Proxies(["127.0.0.1", "10.0.0.0/8"])
    assert proxies.address(scope("127.0.0.1", "1.1.1.1, 9.9.9.9, 10.1.2.3")) == "9.9.9.9"
    assert proxies.address(scope("127.0.0.1", "1.1.1.1", "9.9.9.9")) == "9.9.9.9"


@pytest.mark.parametrize("value", ["", "nonsense", "1.1.1.1, <script>", ",,,"])
def test_nonsense_is_not_believed(value: str) -> None:
    assert Proxies(["127.0.0.1"]).address(scope("127.0.0.1", value)) == "127.0.0.1"


def test_requests_without_an_address_are_of_nobody() -> None:
    bare = {"type": "http", "client": None, "headers": []}
    assert Proxies(["127.0.0.1"]).address(bare) == ""


def test_a_proxy_is_named_by_address() -> None:
    with pytest.raises(UsageError, match="no address of a proxy"):
        Proxies(["proxy.example.org"])


def test_a_network_of_ipv6_counts_as_one() -> None:
    assert neighbourhood("2001:db8:1:2:3:4:5:6") == neighbourhood("2001:db8:1:2::1")
    assert neighbourhood("2001:db8:1:3::1") != neighbourhood("2001:db8:1:2::1")
    assert neighbourhood("1.2.3.4") == "1.2.3.4"
    assert neighbourhood("testclient") == "testclient"
