"""The page that collects answers is run, block by block."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from freshset.replication.labelling.answers.formats import FORMATS


def test_page_runs_and_prints_what_it_says(docs: Path, runner: ModuleType, tmp_path: Path) -> None:
    shown = runner.run_page(docs / "how-to" / "collect-answers.md", tmp_path)
    assert len(shown) >= 5
    for block in shown:
        assert block.same_words, block.printed


def test_the_page_names_every_format(docs: Path) -> None:
    text = (docs / "how-to" / "collect-answers.md").read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"| `{name}` |" in text
