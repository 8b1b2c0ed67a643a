"""The key of a holdout, and what is encrypted and signed with it.

Labels are encrypted with Fernet (AES in CBC mode with an HMAC), so that a changed byte is found before
anything is read.  Entries of the ledger are signed with HMAC-SHA256 under a key made from it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.core.files import canonical_json

_BLOCK = 256


class Key:
    """The key of a holdout.

    Parameters
    ----------
    text
        As `new_key` made it.

    Raises
    ------
    UsageError
        When it is no key.
    MissingExtraError
        Without the cryptography package.
    """

    def __init__(self, text: str) -> None:
        fernet, self._invalid = _fernet()
        try:
            self._cipher = fernet(text.strip().encode("ascii"))
        except (ValueError, UnicodeEncodeError) as error:
            raise UsageError(
                "This is no key of a holdout.", "Give the file that freshset wrote."
            ) from error
        secret = text.strip().encode("ascii")
        self.id = hashlib.sha256(b"freshset key id\0" + secret).hexdigest()[:16]
        self._signing = hmac.digest(secret, b"freshset ledger", "sha256")

    def encrypt(self, value: Any) -> str:
        """Encrypt a JSON value, padded so that its length tells next to nothing of it."""
        text = canonical_json(value)
        text += b" " * (-len(text) % _BLOCK)
        return str(self._cipher.encrypt(text).decode("ascii"))

    def decrypt(self, token: str, what: str) -> Any:
        """Decrypt a JSON value.

        Raises
        ------
        DataError
            When it was not encrypted with this key, or was changed since.
        """
        try:
            return json.loads(self._cipher.decrypt(token.encode("utf-8")))
        except self._invalid as error:
            raise DataError(
                f"{what}: not as it was encrypted, or with another key.", "Restore it from a copy."
            ) from error

    def sign(self, digest: str) -> str:
        """Signature of a digest, hexadecimal."""
        return hmac.new(self._signing, digest.encode("ascii"), "sha256").hexdigest()


def new_key() -> str:
    """Draw a key; raises `MissingExtraError` without the cryptography package."""
    fernet, _ = _fernet()
    return str(fernet.generate_key().decode("ascii"))


def write_key(path: Path, text: str) -> None:
    """Write a key where only its owner can read it.

    Raises
    ------
    UsageError
        When the file is there already: a key that is lost opens nothing any more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already.", "Give another file for the key.") from error
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_key(path: Path) -> Key:
    """Read a key; raises `UsageError` when there is none in the file."""
    try:
        return Key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: no key can be read there.", "Give the file of the key with --key."
        ) from error


def _fernet() -> tuple[Any, type[Exception]]:
    try:
        from cryptography.fernet import Fernet, InvalidToken
    except ImportError as error:
        raise MissingExtraError(
            "Sealed holdouts need the cryptography package.",
            "pip install 'freshset[holdout]'",
        ) from error
    return Fernet, InvalidToken
