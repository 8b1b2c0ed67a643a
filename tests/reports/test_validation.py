from __future__ import annotations

import json
from dataclasses import replace

from freshset.reports.formats import to_csv
from freshset.reports.validation import validation_section
from freshset.reports.write import write_report


def test_what_is_written(validated, tmp_path):
    write_report([validation_section(validated, slug="v")], tmp_path)
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")}
    assert names == {
        "index.html", "v-validation.json",
        *(f"tables/v-repeats.{kind}" for kind in ("csv", "md", "tex")),
        *(f"figures/v-folds.{kind}" for kind in ("svg", "png", "csv")),
    }  # fmt: skip
    assert json.loads((tmp_path / "v-validation.json").read_text())["schema"] == "freshset.kfold/1"
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<dt>Official test set</dt><dd>80.00 %" in page
    assert "Folds of one data set cannot see a distribution gap." in page
    assert "svm &lt;b&gt;" in page


def test_without_an_official_set_the_tiles_are_the_same(validated):
    with_it = validation_section(validated)
    without = validation_section(replace(validated, official=None))
    assert [tile.name for tile in with_it.glance] == [tile.name for tile in without.glance]
    assert [tile.text for tile in without.glance[4:]] == ["\N{EN DASH}"] * 2
    assert "Official test set" not in dict(without.provenance)
    assert with_it.glance[5].text == "+14.00 points"


def test_repeats_and_errors_in_their_own_unit(validated):
    (table,) = validation_section(validated).tables
    assert to_csv(table).splitlines()[1] == "1,0.94,0.9,0.97"
    assert table.rows[0][1].text == "94.00"
    (table,) = validation_section(replace(validated, metric="mean-absolute-error")).tables
    assert table.rows[0][1].text == "0.940"
