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

from freshset.core.errors import StoreError

SECRET = "web-secret"  # noqa: S105  # the name of the file
_LETTERS = 64


class Signer:
    """Signs and checks by one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._serializers: dict[str, URLSafeTimedSerializer] = {}

    @classmethod
    def of(cls, folder: Path) -> Signer:
        """Signer of a project, whose secret is made when it is first needed.

        Raises
        ------
        StoreError
            When the file is there but holds no secret.
        """
        path = folder / SECRET
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = path.read_text(encoding="utf-8").strip()
            if len(secret) < _LETTERS:  # anybody could sign with an empty one
                raise StoreError(
                    f"{path} holds no secret.",
                    "Restore it, or delete it: then all links and sessions so far are void.",
                ) from None
            return cls(secret)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            secret = secrets.token_hex(_LETTERS // 2)
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
        found = self._serializers.get(what)
        if found is None:
            options = {"key_derivation": "hmac", "digest_method": sha256}
            found = URLSafeTimedSerializer(
                self._secret, salt=f"freshset.{what}", signer_kwargs=options
            )
            self._serializers[what] = found
        return found
