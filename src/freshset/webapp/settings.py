"""How the web app is set up."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from freshset.replication.people import Role

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that no other machine can take."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides.

    Attributes
    ----------
    base_url
        Where people reach the app, without a slash at the end; links and cookies follow from it.
    max_body
        Largest body of a request in bytes.
    max_upload
        The same for predictions that are submitted to a leaderboard.
    session_days
        How long a session, and the link by which somebody comes back, lasts.
    trusted_proxies
        Addresses or networks of proxies that are believed about whom they speak for; nobody is
        believed by default.
    sso_header
        Header in which these proxies name who has signed in with them; empty for none.
    sso_role
        Role of those whom a proxy names for the first time.
    metrics_token
        By which a program may read ``/metrics``; empty for owners only.
    access_log
        Whether each request is logged.
    mturk_live
        Whether owners may spend money on Mechanical Turk, and not only try its sandbox.
    """

    base_url: str = "http://127.0.0.1:8000"
    max_body: int = 1_000_000
    max_upload: int = 20_000_000
    session_days: float = 30
    trusted_proxies: tuple[str, ...] = ()
    sso_header: str = ""
    sso_role: Role = "worker"
    metrics_token: str = ""
    access_log: bool = False
    mturk_live: bool = False

    @property
    def secure(self) -> bool:
        """Whether people reach the app by HTTPS."""
        return self.base_url.startswith("https://")

    @property
    def origin(self) -> str:
        """Scheme, host and port of the app, as browsers name the source of a request."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def hosts(self) -> frozenset[str]:
        """Names by which a request may call the app: that of its address, and this machine's."""
        return frozenset({(urlsplit(self.base_url).hostname or "").lower(), *LOOPBACK})
