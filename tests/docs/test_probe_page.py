"""The pages about the probe and the statistics of transfer: run, and held to what they claim."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType


def test_half_of_the_points_are_not_solved(docs: Path, runner: ModuleType, tmp_path: Path) -> None:
    (shown,) = runner.run_page(docs / "explanation" / "probe-path.md", tmp_path)
    assert shown.same_words, f"run python docs/run_page.py PAGE --write\n{shown.printed}"
    for text in (shown.page, shown.printed):
        certified, down, up, same = text.splitlines()
        assert float(certified.split()[-1]) < 1e-6
        for line, first in ((down, "largest"), (up, "smallest")):
            assert line.startswith(first)
            idle, above = map(int, re.findall(r"(\d+) (?:points|more)", line))
            assert idle >= 12
            assert above >= 15
        assert float(same.split("on ")[1].split("%")[0]) < 99


def test_every_function_that_the_page_names_is_there(docs: Path) -> None:
    text = (docs / "explanation" / "transfer-statistics.md").read_text(encoding="utf-8")
    names = re.findall(r"`(\w+)\.(\w+)`", text)
    assert len(names) >= 11
    for module, function in names:
        if (module, function) != ("freshset", "stats"):
            assert hasattr(import_module(f"freshset.stats.{module}"), function)
    for function in ("best_by_accuracy", "best_by_class_mean", "best_by_decisions"):
        assert f"`{function}`" in text
