"""The page about picking a backbone is run as its reader would."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest


def test_the_tutorial_goes_from_a_folder_to_fine_tuned_networks(
    docs: Path, runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("FRESHSET_WORKERS", "0")
    (tmp_path / "examples").symlink_to(docs.parent / "examples")
    page = docs / "tutorial" / "pick-a-backbone.md"
    shown = runner.run_page(page, tmp_path)
    assert len(shown) == 3
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py {page}\n{block.printed}"
    (found,) = (tmp_path / "report").glob("*.json")
    rows = json.loads(found.read_text("utf-8"))
    assert rows["schema"] == "freshset.transfer/1"
    # Half of the test images of scikit-learn's digits 5 to 9, and no others, were answered.
    assert [one["n_test"] for one in rows["datasets"]] == [448]
    # What the page says of the answer.
    picked = shown[0].printed.splitlines()
    table = [line.split() for line in picked if "py:networks.py" in line and line[:6].strip()]
    groups = {row[1].partition("name=")[2]: row[0] for row in table if row[0].isdigit()}
    assert [name for name, group in groups.items() if group == "1"] == ["perceptron-64"]
    assert list(groups)[-1] == "plain-4"
