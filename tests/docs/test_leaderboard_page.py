"""The page about running a leaderboard is run as its reader would, with a real server."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import ModuleType

import pytest

from freshset.protocols.leaderboard.board import Board
from freshset.protocols.sealed.cipher import read_key


def test_the_tutorial_goes_from_labels_to_the_open_private_half(
    docs: Path, runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRESHSET_WORKERS", "0")
    page = docs / "tutorial" / "run-a-leaderboard.md"
    try:
        shown = runner.run_page(page, tmp_path)
    finally:
        stop_server(tmp_path / "served.pid")
    assert len(shown) == 6
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py {page} --write\n{block.printed}"
    assert "everything that was sent is saved" in (tmp_path / "served.txt").read_text("utf-8")
    found = Board(tmp_path / "board", read_key(tmp_path / "keys" / "board.key")).standings()
    assert found.phase == "opened"
    rows = {one.entrant: one for one in found.rows}
    assert rows["Ada"].group == 1
    # Sixty submissions that answers led bought less than a point.
    mallory = rows["Mallory"]
    assert mallory.submissions == 60
    assert mallory.drop is not None
    assert abs(mallory.drop.value) < 3
    assert max(one.group for one in found.rows) == mallory.group


def stop_server(pid: Path) -> None:
    """Stop what the page began, when the page itself did not come so far."""
    if pid.is_file():
        try:
            os.kill(int(pid.read_text("utf-8")), signal.SIGTERM)
        except ProcessLookupError:
            return
