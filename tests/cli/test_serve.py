from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.board import board_of

from freshset.cli import main as command
from freshset.cli import serve as module
from freshset.protocols.sealed.cipher import new_key, write_key
from freshset.replication.project import DATABASE, Project

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 4
tasks: {negatives: 0}
classes:
  - key: cat
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Project.create(tmp_path / "project", SPEC, who="ada", why="begin").close()
    return tmp_path / "project"


@pytest.fixture
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be served, without a server."""
    from freshset.webapp import serving

    seen: list[Any] = []
    monkeypatch.setattr(serving, "serve", lambda app, _place: seen.append(app.state.services))
    return seen


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        command.main(["serve", *arguments])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


def test_it_serves_until_it_is_told_to_stop(folder: Path) -> None:
    """The whole way: the address, the first link, health, an owner who joins, SIGTERM, exit 0."""
    arguments = ["serve", "--project", str(folder), "--port", "0", "--access-log", "--who", "ada"]
    process = subprocess.Popen(
        [sys.executable, "-m", "freshset", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = process.stderr.readline() + process.stderr.readline()
        url = re.search(r"at (http://127\.0\.0\.1:\d+) ", said)
        link = re.search(r"http://\S+/join\?token=\S+", said)
        assert url is not None, said
        assert link is not None, said
        assert httpx.get(f"{url[1]}/health/ready", timeout=30).json() == {"status": "ready"}
        with httpx.Client(base_url=url[1], timeout=30) as client:
            token = link[0].partition("=")[2]
            assert "invited as an owner" in client.get(link[0]).text
            assert client.post("/join", data={"token": token, "name": "Ada"}).status_code == 303
            assert "Ada" in client.get("/people").text
        process.send_signal(signal.SIGTERM)
        out, rest = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, rest
    assert out == ""
    assert "Stopped" in rest
    assert "GET /join 200" in rest
    assert token not in rest
    with Project.open(folder) as project:
        assert [one.who for one in project.entries(action="people.")] == ["ada", "Ada"]


def test_this_machine_alone_is_the_default(folder: Path, served: list[Any], capsys) -> None:
    code, out, err = run(capsys, "--project", str(folder), "--port", "0", "--who", "ada")
    assert (code, out) == (0, "")
    assert "Warning" not in err
    assert served[0].settings.base_url.startswith("http://127.0.0.1:")
    assert served[0].settings.trusted_proxies == ()


@pytest.mark.parametrize(
    ("arguments", "message", "step"),
    [
        (["--host", "0.0.0.0"], "Others can reach 0.0.0.0", "--base-url"),
        (["--host", "0.0.0.0", "--base-url", "http://x.org"], "Without HTTPS", "--allow-http"),
        (["--base-url", "http://x.org"], "Without HTTPS", "--allow-http"),
        (["--base-url", "x.org"], "'x.org' is no address of a site", "https://"),
        (["--base-url", "https://x.org/label"], "is no address of a site", "https://"),
        (["--base-url", "javascript:alert(1)"], "is no address of a site", "https://"),
        (["--port", "70000"], "There is no port 70000", "65535"),
        (["--sso-header", "X-User"], "--sso-header is believed from no one", "--trusted-proxy"),
        (["--trusted-proxy", "nonsense"], "'nonsense' is no address of a proxy", "10.0.0.0/8"),
        (["--session-days", "0"], "A session lasts up to 366 days", "--session-days"),
        (["--host", "host.invalid", "--base-url", "https://x.org"], "cannot listen", "--host"),
    ],
)
def test_what_would_be_unsafe_or_cannot_be_is_refused_in_one_sentence(
    folder: Path, served: list[Any], capsys, arguments: list[str], message: str, step: str
) -> None:
    port = [] if "--port" in arguments else ["--port", "0"]
    code, out, err = run(capsys, "--project", str(folder), "--who", "ada", *port, *arguments)
    assert (code, out, served) == (2, "", [])
    assert message in err
    assert step in err.splitlines()[-1]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (["--host", "0.0.0.0", "--base-url", "https://x.org"], "whoever has a link can come in"),
        (["--host", "0.0.0.0", "--base-url", "http://127.0.0.1:80"], "whoever has a link"),
        (["--base-url", "http://x.org", "--allow-http"], "can read everything"),
        (["--base-url", "https://x.org"], ""),
    ],
)
def test_elsewhere_there_is_a_warning(
    folder: Path, served: list[Any], capsys, arguments: list[str], warning: str
) -> None:
    code, _, err = run(capsys, "--project", str(folder), "--who", "ada", "--port", "0", *arguments)
    assert code == 0
    assert len(served) == 1
    assert warning in err
    assert ("Warning" in err) == bool(warning)


def test_a_taken_port_is_one_sentence(folder: Path, served: list[Any], capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = str(place.getsockname()[1])
        code, _, err = run(capsys, "--project", str(folder), "--port", port)
    assert code == 2
    assert f"Error: Port {port} of 127.0.0.1 is taken." in err
    assert served == []


def test_no_project_and_an_old_one_are_told(tmp_path: Path, folder: Path, capsys) -> None:
    code, _, err = run(capsys, "--project", str(tmp_path / "nothing"), "--port", "0")
    assert code == 2
    assert "holds no project" in err
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    code, _, err = run(capsys, "--project", str(folder), "--port", "0")
    assert code == 2
    assert "freshset testset upgrade" in err


def test_a_leaderboard_is_served_with_its_key(
    folder: Path, tmp_path: Path, served: list[Any], capsys
) -> None:
    arguments = ["--project", str(folder), "--port", "0", "--who", "ada", "--board"]
    key = new_key()
    write_key(tmp_path / "key", key)
    write_key(tmp_path / "other", new_key())
    board_of(tmp_path / "board", key=key)
    code, _, err = run(capsys, *arguments, str(tmp_path / "board"))
    assert (code, served) == (2, [])
    assert "served with its key" in err
    code, _, err = run(capsys, *arguments, str(folder), "--key", str(tmp_path / "key"))
    assert (code, served) == (2, [])
    assert "no leaderboard" in err
    code, _, err = run(
        capsys, *arguments, str(tmp_path / "board"), "--key", str(tmp_path / "other")
    )
    assert (code, served) == (2, [])
    assert "sealed with another key" in err
    code, _, err = run(capsys, *arguments, str(tmp_path / "board"), "--key", str(tmp_path / "key"))
    assert code == 0
    assert served[0].board.name == "pets"
    assert "The leaderboard pets is at http://127.0.0.1:" in err


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "itsdangerous", "prometheus_client"])
def test_a_missing_extra_is_named(
    folder: Path, capsys, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, err = run(capsys, "--project", str(folder))
    assert code == 2
    assert f"The web app needs {missing}" in err
    assert 'pip install "freshset[web]"' in err


def test_an_owner_comes_back_as_the_same(folder: Path, served: list[Any], capsys) -> None:
    from freshset.replication.people import invite, join

    with Project.open(folder) as project:
        join(project, invite(project, "owner", who="ada").invitation_id, "Ada Lovelace")
    _, _, err = run(capsys, "--project", str(folder), "--port", "0", "--who", "ada")
    assert "To come in as Ada Lovelace within a day, open: http://127.0.0.1:" in err
    assert "/enter?token=" in err


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("", False),
     ("0.0.0.0", False), ("::", False), ("localhost.evil.example", False), ("10.0.0.1", False)],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_loopback(host: str, is_loopback: bool) -> None:
    assert module._is_loopback(host) is is_loopback
