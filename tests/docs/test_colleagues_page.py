"""The page about labelling with colleagues is run as its reader would, with a real server."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import ModuleType

import pytest

from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.project import Project

ROOT = Path(__file__).parents[2]


def test_the_tutorial_goes_from_serve_to_a_frozen_set(
    docs: Path, runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRESHSET_WORKERS", "0")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    page = docs / "tutorial" / "label-with-colleagues.md"
    try:
        shown = runner.run_page(page, tmp_path)
    finally:
        stop_server(tmp_path / "served.pid")
    assert len(shown) == 5
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py {page} --write\n{block.printed}"
    assert (tmp_path / "package" / "croissant.json").is_file()
    assert "everything that was sent is saved" in (tmp_path / "served.txt").read_text("utf-8")
    with Project.open(tmp_path / "digits") as project:
        assert project.verify_log() > 200
        pooled = pooled_frequencies(project)
    assert len(pooled.quality.workers) == 5
    assert pooled.quality.failed.sum() == 1


def stop_server(pid: Path) -> None:
    """Stop what the page began, when the page itself did not come so far."""
    if pid.is_file():
        try:
            os.kill(int(pid.read_text("utf-8")), signal.SIGTERM)
        except ProcessLookupError:
            return
