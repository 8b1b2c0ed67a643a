"""The pages about protocols are run as their readers would run them."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("tutorial/validate-without-your-test-set.md", 7),
        ("how-to/seal-a-holdout.md", 6),
        ("how-to/protocols-in-python.md", 4),
    ],
)
def test_page_runs_and_prints_what_it_says(
    name: str, blocks: int, docs: Path, runner: ModuleType, tmp_path: Path
) -> None:
    shown = runner.run_page(docs / name, tmp_path)
    assert len(shown) == blocks
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py docs/{name} --write\n{block.printed}"


def test_the_table_of_policies_is_that_of_the_benchmarks(docs: Path) -> None:
    page = (docs / "explanation" / "honest-leaderboards.md").read_text(encoding="utf-8")
    claims = (docs.parent / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for value in ("11.0", "2.0", "8.0"):
        assert re.search(rf"\| {value} \(", page)
        assert f"{value} points" in claims or f"{value} (" in claims
