from __future__ import annotations

import pytest

from freshset.core.errors import UsageError
from freshset.reports.html import render_html
from freshset.reports.section import Section, Tile
from freshset.reports.table import plain
from freshset.reports.write import write_report


def section(slug: str = "mine") -> Section:
    return Section(
        "transfer-study", "Mine", slug, ("It says <so>.",), {"schema": "x/1"},
        glance=(Tile("Error, points", "1.5", "[1, 2]"),), tables=(plain("a-table", ("x",), [(1,)]),),
    )  # fmt: skip


def test_a_new_kind_of_result_needs_no_more_than_this(tmp_path):
    write_report([section()], tmp_path)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")} == {
        "index.html", "mine-transfer-study.json", "tables/mine-a-table.csv",
        "tables/mine-a-table.md", "tables/mine-a-table.tex",
    }  # fmt: skip
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "It says &lt;so&gt;." in page
    assert '<dt>Error, points</dt><dd>1.5 <span class="ci">[1, 2]</span></dd>' in page
    assert "How these numbers were made" not in page


def test_kinds_are_read_as_words():
    assert "Transfer study at a glance" in render_html([section("a"), section("b")])


def test_slugs_are_checked():
    with pytest.raises(UsageError, match="is not a slug"):
        section("A slug")
