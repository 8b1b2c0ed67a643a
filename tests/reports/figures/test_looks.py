from __future__ import annotations

from dataclasses import replace

from freshset.reports.figures.base import to_svg
from freshset.reports.figures.looks import looks


def test_looks_that_showed_a_score_are_drawn(seen):
    figure = looks(seen)
    assert [len(marks.titles) for marks in figure.marks] == [3]
    assert figure.marks[0].titles[1] == "m2\nlook 3, 2026-01-03\n80.00 %"
    assert len(figure.data.rows) == 4
    svg = to_svg(figure)
    assert svg == to_svg(figure)
    assert "best so far" in svg
    assert "4.0 points below it (union bound)" in svg


def test_without_any_score_there_is_no_curve(seen):
    blind = tuple(replace(one, accuracy=None, best=None) for one in seen.looks)
    assert "best so far" not in to_svg(looks(replace(seen, looks=blind)))
