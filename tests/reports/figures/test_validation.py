from __future__ import annotations

from dataclasses import replace

from freshset.reports.figures.base import to_svg
from freshset.reports.figures.validation import validation
from freshset.reports.svg import inline


def test_folds_and_estimates_can_be_pointed_at(validated):
    figure = validation(validated)
    assert [len(marks.titles) for marks in figure.marks] == [10, 1, 1, 1]
    page = inline(figure, "v")
    assert page.count("<title>") == 13
    assert "repeat 2, fold 1\n94.0 %" in page
    assert "official test set: 80.0 % (77.0 % to 83.0 %)." in figure.alt


def test_the_numbers_behind_it(validated):
    rows = [tuple(cell.values[0] for cell in row) for row in validation(validated).data.rows]
    assert rows[0] == ("fold", 1, 1, 0.9, None, None)
    assert rows[-1] == ("official test set", None, None, 0.80, 0.77, 0.83)
    assert len(rows) == 13


def test_words_units_and_bytes(validated):
    svg = to_svg(validation(validated))
    assert svg == to_svg(validation(validated))
    for word in ("each fold", "mean, corrected interval", "official test set", "accuracy (%)"):
        assert word in svg
    plain = to_svg(validation(replace(validated, metric="r2", official=None)))
    assert ">r2<" in plain
    assert "official" not in plain
