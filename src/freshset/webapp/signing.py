"""Signed texts: invitation links, sessions, and tokens against forged requests.

All signatures come from one secret, a file beside the database that no package takes.
"""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

SECRET = "web-secret"  # noqa: S105  # the name of the file


class Signer:
    """Signs and checks by one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @classmethod
    def of(cls, folder: Path) -> Signer:
        """Signer of a project, whose secret is made when it is first needed."""
        path = folder / SECRET
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_text(encoding="utf-8").strip())
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            secret = secrets.token_hex(32)
            stream.write(secret + "\n")
        return cls(secret)

    def sign(self, what: str, body: dict[str, Any]) -> str:
        """Return a text for URLs and cookies that holds a body; ``what`` it is for is signed too."""
        return str(self._serializer(what).dumps(body))

    def read(self, what: str, text: str, *, seconds: int | None = None) -> dict[str, Any] | None:
        """Return the body of a text; ``None`` for a forged one, or one older than so many seconds."""
        try:
            body = self._serializer(what).loads(text, max_age=seconds)
        except BadData:
            return None
        return body if isinstance(body, dict) else None

    def mark(self, what: str, text: str) -> str:
        """Return what only the holder of the secret can make of a text, 32 letters."""
        digest = hmac.new(self._secret.encode(), f"{what}:{text}".encode(), sha256)
        return digest.hexdigest()[:32]

    def _serializer(self, what: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret, salt=f"freshset.{what}")
