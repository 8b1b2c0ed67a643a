from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.replication.package.checksums import check_sums, write_sums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "test/cat/b%2F.png", "test/Zoë.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    write_sums(tmp_path)
    return tmp_path


def test_the_usual_tool_agrees(folder: Path) -> None:
    tool = shutil.which("sha256sum")
    if tool is None:
        # A tool of GNU coreutils, which macOS lacks; the sums themselves are tested without it.
        pytest.skip("no sha256sum on this system")
    assert (
        subprocess.run([tool, "--strict", "-c", "SHA256SUMS"], cwd=folder, check=False).returncode
        == 0
    )
    (folder / "a.txt").write_bytes(b"other")
    assert (
        subprocess.run([tool, "--strict", "-c", "SHA256SUMS"], cwd=folder, check=False).returncode
        == 1
    )


def test_nothing_is_said_of_a_whole_package(folder: Path) -> None:
    assert check_sums(folder) == []
    assert len((folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()) == 3


def test_what_was_changed_added_and_removed_is_named(folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"other")
    (folder / "test" / "Zoë.png").unlink()
    (folder / "new.txt").write_bytes(b"")
    assert check_sums(folder) == [
        "test/Zoë.png: missing.",
        "new.txt: not part of the package.",
        "a.txt: not as it was packaged.",
    ]


def test_no_checksums_or_none_that_can_be_read(folder: Path, tmp_path: Path) -> None:
    (folder / "SHA256SUMS").write_bytes(b"abc  a.txt\n")
    with pytest.raises(DataError, match="line 1: no checksum"):
        check_sums(folder)
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        check_sums(folder)
