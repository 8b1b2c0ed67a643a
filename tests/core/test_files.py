from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from freshset.core import files
from freshset.core.errors import DataError


def test_write_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "file.txt"
    files.write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_written_files_follow_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_atomic(path, b"x")
    (tmp_path / "g").write_bytes(b"x")
    assert path.stat().st_mode == (tmp_path / "g").stat().st_mode


def test_json_errors_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{\n"a": 1,\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.json: line 3"):
        files.read_json(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        files.read_json(path)
    with pytest.raises(DataError, match="cannot be read"):
        files.read_json(tmp_path / "missing.json")


def test_json_out_is_json() -> None:
    assert json.loads(files.pretty_json({"a": [1.5, None]})) == {"a": [1.5, None]}
    with pytest.raises(ValueError, match="JSON compliant"):
        files.pretty_json({"a": math.nan})


def test_canonical_json_ignores_order() -> None:
    assert files.canonical_json({"a": 1, "b": 2}) == files.canonical_json({"b": 2, "a": 1})


def test_digests_agree(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert files.sha256_file(tmp_path / "f") == files.sha256_bytes(b"abc")
    assert files.sha256_bytes(b"abc").startswith("ba7816bf")
