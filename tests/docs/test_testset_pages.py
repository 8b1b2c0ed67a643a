"""The pages about building test sets are run as their readers would run them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def test_the_tutorial_goes_from_candidates_to_a_verdict(
    docs: Path, runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRESHSET_WORKERS", "0")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    page = docs / "tutorial" / "build-a-test-set.md"
    shown = runner.run_page(page, tmp_path)
    assert len(shown) == 12
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py {page} --write\n{block.printed}"
    assert (tmp_path / "package" / "croissant.json").is_file()
    assert "Simulated annotators" in (tmp_path / "package" / "log.jsonl").read_text("utf-8")
    assert (tmp_path / "report" / "index.html").is_file()
