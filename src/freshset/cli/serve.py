"""``freshset serve``: the web app, where people label, review and follow a test set."""

from __future__ import annotations

import errno
import logging
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import typer

from freshset.cli.output import say, warn
from freshset.cli.testset.options import DatabaseOption, ProjectOption, WhoOption, person
from freshset.core.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from freshset.replication.project import Project
    from freshset.webapp.boards import ServedBoard
    from freshset.webapp.settings import Settings

_PORTS = 65_535
_MOST_DAYS = 366


def serve(
    project: ProjectOption,
    database: DatabaseOption = "",
    host: Annotated[
        str, typer.Option("--host", help="Address of this machine to listen at.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="Port to listen at; 0 for a free one.", envvar="PORT")
    ] = 8000,
    base_url: Annotated[
        str,
        typer.Option(
            "--base-url",
            help="Address by which people reach the app; needed where others than this machine do.",
            envvar="FRESHSET_BASE_URL",
            metavar="URL",
        ),
    ] = "",
    allow_http: Annotated[
        bool,
        typer.Option("--allow-http", help="Let others than this machine come without HTTPS."),
    ] = False,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy",
            help="Address or network of a proxy that says whom it speaks for; repeatable.",
            metavar="ADDRESS",
        ),
    ] = None,
    sso_header: Annotated[
        str,
        typer.Option(
            "--sso-header",
            help="Header in which a trusted proxy names who has signed in, such as X-Remote-User.",
            metavar="NAME",
        ),
    ] = "",
    sso_role: Annotated[
        Literal["worker", "reviewer", "owner"],
        typer.Option("--sso-role", help="Role of those whom the proxy names for the first time."),
    ] = "worker",
    session_days: Annotated[
        float, typer.Option("--session-days", help="How long a session lasts.", metavar="DAYS")
    ] = 30.0,
    metrics_token: Annotated[
        str,
        typer.Option(
            "--metrics-token",
            help="By which a program may read /metrics; without it, owners only.",
            envvar="FRESHSET_METRICS_TOKEN",
            metavar="TEXT",
        ),
    ] = "",
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log each request to stderr, without tokens.")
    ] = False,
    mturk_live: Annotated[
        bool,
        typer.Option(
            "--mturk-live",
            help="Let owners spend money on Mechanical Turk, and not only try its sandbox.",
        ),
    ] = False,
    board: Annotated[
        Path | None,
        typer.Option(
            "--board",
            help="Folder of a leaderboard to serve to the same people; it needs --key.",
            metavar="DIR",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="File of the leaderboard's key.", envvar="FRESHSET_KEY", metavar="FILE"
        ),
    ] = None,
    who: WhoOption = "",
) -> None:
    """Serve the web app of a project until it is stopped.

    Everybody comes in by a link; the first one, for an owner, is printed.
    """
    _check_installed()
    from freshset.replication.project import Project
    from freshset.webapp.settings import Settings

    _check(host, port, base_url, allow_http)
    if sso_header and not trusted_proxy:
        raise UsageError(
            "--sso-header is believed from no one.", "Name the proxy: --trusted-proxy ADDRESS."
        )
    if not 0 < session_days <= _MOST_DAYS:
        raise UsageError("A session lasts up to 366 days.", "Give such a --session-days.")
    entrants = _open_board(board, key)
    with Project.open(project, database=database) as opened, _listen(host, port) as place:
        settings = Settings(
            base_url=base_url.rstrip("/") or _local_url(place),
            session_days=session_days,
            trusted_proxies=tuple(trusted_proxy or ()),
            sso_header=sso_header,
            sso_role=sso_role,
            metrics_token=metrics_token,
            access_log=access_log,
            mturk_live=mturk_live,
        )
        _serve(opened, place, settings, entrants, who=person(who))


def _serve(
    project: Project,
    place: socket.socket,
    settings: Settings,
    board: ServedBoard | None,
    *,
    who: str,
) -> None:
    from freshset.webapp.app import create_app
    from freshset.webapp.links import first_link
    from freshset.webapp.serving import serve as serve_app

    app = create_app(project, settings, board)
    _log_to_stderr(settings)
    say(f"{project.spec.name} is at {settings.base_url} (port {place.getsockname()[1]} here).")
    if board is not None:
        say(f"The leaderboard {board.name} is at {settings.base_url}/board.")
    name, link = first_link(app.state.services, who=who)
    say(f"To come in as {name} within a day, open: {link}")
    say("Ctrl-C stops it.")
    serve_app(app, place)
    say("Stopped; everything that was sent is saved.")


def _open_board(folder: Path | None, key: Path | None) -> ServedBoard | None:
    if folder is None:
        return None
    if key is None:
        raise UsageError("A leaderboard is served with its key.", "Give --key FILE.")
    from freshset.protocols.leaderboard.board import Board
    from freshset.protocols.sealed.cipher import read_key
    from freshset.webapp.boards import ServedBoard

    return ServedBoard(Board(folder, read_key(key)))


def _check_installed() -> None:
    try:
        import fastapi  # noqa: F401  # only whether it is there
        import itsdangerous  # noqa: F401  # likewise
        import prometheus_client  # noqa: F401  # likewise
        import uvicorn  # noqa: F401  # likewise
    except ImportError as error:
        raise MissingExtraError(
            f"The web app needs {error.name}, which is not installed.",
            'Install it: pip install "freshset[web]"',
        ) from error


def _check(host: str, port: int, base_url: str, allow_http: bool) -> None:
    """Refuse what would let others than this machine in without anybody having meant it."""
    if not 0 <= port <= _PORTS:
        raise UsageError(f"There is no port {port}.", "Give 0 to 65535.")
    parts = urlsplit(base_url)
    if base_url and (
        parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/")
    ):
        raise UsageError(
            f"{base_url!r} is no address of a site.", "Give such as https://label.example.org."
        )
    if _is_loopback(host) and not base_url:
        return
    if not base_url:
        raise UsageError(
            f"Others can reach {host}, so links must say by which address.",
            "Give --base-url https://NAME, or leave --host out for this machine only.",
        )
    if parts.scheme == "https" or _is_loopback(parts.hostname or ""):
        if not _is_loopback(host):
            warn(["Others can reach this app; whoever has a link can come in."])
        return
    if not allow_http:
        raise UsageError(
            f"Without HTTPS, others on the way to {base_url} can read links and answers.",
            "Put a proxy with HTTPS before it, or say --allow-http on a network that you trust.",
        )
    warn(["Others can reach this app, and without HTTPS who is on the way can read everything."])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    from freshset.webapp.serving import listen

    try:
        return listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} of {host} is taken.", "Give another --port, or 0 for a free one."
            ) from error
        if error.errno == errno.EACCES:
            raise UsageError(
                f"Port {port} needs more rights.", "Give a --port above 1023."
            ) from error
        raise UsageError(
            f"This machine cannot listen at {host}.", "Give one of its addresses as --host."
        ) from error


def _local_url(place: socket.socket) -> str:
    host, port = place.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _log_to_stderr(settings: Settings) -> None:
    if not settings.access_log:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("freshset.access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
