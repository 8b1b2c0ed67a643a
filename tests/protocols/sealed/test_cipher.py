from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.protocols.sealed.cipher import Key, new_key, read_key, write_key


def test_what_is_encrypted_is_read_with_the_key_only(key: Key) -> None:
    token = key.encrypt({"labels": [1, 2]})
    assert key.decrypt(token, "x") == {"labels": [1, 2]}
    assert key.encrypt({"labels": [1, 2]}) != token
    with pytest.raises(DataError, match="x: not as it was encrypted"):
        Key(new_key()).decrypt(token, "x")
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(DataError):
            key.decrypt(changed, "x")


def test_signatures_need_the_key(key: Key) -> None:
    assert key.sign("ab") == key.sign("ab") != key.sign("ac")
    assert Key(new_key()).sign("ab") != key.sign("ab")


def test_the_file_of_a_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path, text = tmp_path / "keys" / "k", new_key()
    write_key(path, text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).id == Key(text).id
    with pytest.raises(UsageError, match="is there already"):
        write_key(path, new_key())
    assert read_key(path).id == Key(text).id


def test_what_is_no_key(tmp_path: Path) -> None:
    for text in ("", "short", "é" * 44, "A" * 43):
        with pytest.raises(UsageError, match="no key"):
            Key(text)
    with pytest.raises(UsageError, match="no key can be read"):
        read_key(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no key can be read"):
        read_key(tmp_path / "bytes")


def test_without_the_package_the_install_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(MissingExtraError, match=r"freshset\[holdout\]"):
        new_key()
