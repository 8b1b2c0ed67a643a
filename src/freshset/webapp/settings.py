"""How the web app is set up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides.

    Attributes
    ----------
    base_url
        Where people reach the app, without a slash at the end; links and cookies follow from it.
    max_body
        Largest body of a request in bytes.
    session_days
        How long a session lasts.
    """

    base_url: str = "http://127.0.0.1:8000"
    max_body: int = 1_000_000
    session_days: float = 30

    @property
    def secure(self) -> bool:
        """Whether people reach the app by HTTPS."""
        return self.base_url.startswith("https://")
