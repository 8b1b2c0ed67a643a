"""The page about clusters: its table is what its script prints, its settings are those there are."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from freshset.core.config import RunSettings


def test_the_sizing_table_is_what_its_formulas_give(
    docs: Path, runner: ModuleType, tmp_path: Path
) -> None:
    (shown,) = runner.run_page(docs / "how-to" / "run-on-a-cluster.md", tmp_path)
    assert shown.page == shown.printed
    # The largest study, by hand: 1,000 models on 10 million images at 10 ms of a GPU, 2.00 an hour.
    hours = 1_000 * 10_000_000 * 0.010 / 3600
    assert re.search(rf"1,000 10,000,000 .* {hours:,.0f} .* {2 * hours:,.0f} ", shown.page)


def test_the_settings_and_their_defaults_are_those_of_a_run(docs: Path) -> None:
    text = (docs / "how-to" / "run-on-a-cluster.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    defaults = {name: getattr(RunSettings(), name) for name in rows}
    assert defaults.pop("memory") == 1 << 30
    assert rows.pop("memory").strip() == "1 GiB"
    for name, said in rows.items():
        default = defaults[name]
        assert said.strip() == (f"`{default}`" if isinstance(default, str) else f"{default:g}")
    assert len(rows) == 6
