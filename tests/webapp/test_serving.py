from __future__ import annotations

import os
import signal
import socket
import threading
import time

import httpx
import pytest
from fastapi import FastAPI

from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.serving import listen, make_server, serve


def test_a_port_is_opened_once() -> None:
    with listen("127.0.0.1", 0) as place:
        port = place.getsockname()[1]
        assert port > 0
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)


def test_both_kinds_of_addresses_will_do() -> None:
    with listen("localhost", 0) as place:
        assert place.family in {socket.AF_INET, socket.AF_INET6}
    with pytest.raises(OSError, match="(?i)host|name"):
        listen("host.invalid", 0)


def test_the_server_believes_nobody_about_addresses() -> None:
    config = make_server(FastAPI()).config
    assert config.proxy_headers is False
    assert config.server_header is False
    assert config.access_log is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_ends_before_the_server_does(
    project: Project, number: signal.Signals
) -> None:
    """The signal comes while a request is answered; it is answered, and serving ends quietly."""
    app = create_app(project)
    begun = threading.Event()

    @app.get("/slow")
    def slow() -> str:
        begun.set()
        time.sleep(0.5)
        return "done"

    said: list[str] = []
    with listen("127.0.0.1", 0) as place:
        url = f"http://127.0.0.1:{place.getsockname()[1]}"

        def ask() -> None:
            said.append(httpx.get(f"{url}/slow", timeout=30).text)

        def stop() -> None:
            # Without a request under way nothing serves, and the signal would end the tests.
            if begun.wait(30):
                os.kill(os.getpid(), number)

        threads = [threading.Thread(target=one) for one in (ask, stop)]
        for one in threads:
            one.start()
        before = signal.getsignal(number)
        serve(app, place)
        assert signal.getsignal(number) is before
        for one in threads:
            one.join()
    assert said == ['"done"']
    assert not app.state.services.writer._thread.is_alive()
