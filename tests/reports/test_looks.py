from __future__ import annotations

import json

from freshset.reports.formats import to_csv
from freshset.reports.looks import looks_section
from freshset.reports.write import write_report


def test_what_is_written(seen, tmp_path):
    write_report([looks_section(seen, slug="l")], tmp_path)
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")}
    assert names == {
        "index.html", "l-looks.json", *(f"tables/l-looks.{kind}" for kind in ("csv", "md", "tex")),
        *(f"figures/l-looks.{kind}" for kind in ("svg", "png", "csv")),
    }  # fmt: skip
    assert json.loads((tmp_path / "l-looks.json").read_text())["schema"] == "freshset.looks/1"
    assert "&lt;b&gt;" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_every_look_and_the_headline(seen):
    section = looks_section(seen)
    (table,) = section.tables
    lines = to_csv(table).splitlines()
    assert lines[1].endswith(",0.7,0.7")
    assert lines[2].endswith(",,0.7")
    assert [tile.text for tile in section.glance[:3]] == ["5", "80.00", "4.0"]
    assert section.title == "Looks at d"
