from __future__ import annotations

from pathlib import Path

import pytest

from freshset.cli.protocol.sealing import check_apart, key_of
from freshset.core.errors import UsageError


def test_a_key_lies_apart_from_what_it_opens(tmp_path: Path) -> None:
    check_apart(tmp_path / "sealed", tmp_path / "key")
    with pytest.raises(UsageError, match="beside what it opens"):
        check_apart(tmp_path / "sealed", tmp_path / "sealed" / "keys" / "key")


def test_a_key_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key_of(tmp_path / "key")
    made = (tmp_path / "key").read_bytes()
    assert "Wrote a new key" in capsys.readouterr().err
    key_of(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == made
    assert capsys.readouterr().err == ""
