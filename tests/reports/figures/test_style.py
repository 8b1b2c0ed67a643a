from __future__ import annotations

import re

import matplotlib as mpl

from freshset.reports.figures import style


def test_each_role_has_a_colour_of_its_own():
    for column in zip(*style.PALETTE, strict=True):
        assert len(set(column)) == len(style.PALETTE)
    for _, light, dark in style.PALETTE:
        assert re.fullmatch(r"#[0-9a-f]{6}", light)
        assert re.fullmatch(r"#[0-9a-f]{6}", dark)


def test_settings_come_back():
    before = dict(mpl.rcParams)
    with style.styled():
        assert mpl.rcParams["svg.hashsalt"] == "freshset"
    assert dict(mpl.rcParams) == before


def test_more_models_have_smaller_marks_and_thinner_bars():
    sizes = [style.mark_size(n) for n in (2, 25, 67, 300, 1556)]
    widths = [style.line_width(n) for n in (2, 25, 67, 300, 1556)]
    assert sizes == sorted(sizes, reverse=True)
    assert widths == sorted(widths, reverse=True)
    assert sizes[-1] > 0 < widths[-1]


def test_limits_of_one_value():
    low, high = style.padded(5.0, 5.0)
    assert low < 5 < high
    low, high = style.padded(0.0, 0.0)
    assert low < 0 < high


def test_many_segments_are_one_path():
    with style.styled():
        _, axes = style.canvas()
        style.segments(axes, ([0, 1, 2], [0, 0, 0]), ([0, 1, 2], [1, 1, 1]), colour="k", width=1)
        style.segments(axes, ([], []), ([], []), colour="k", width=1)
    assert len(axes.patches) == 1
    assert len(axes.patches[0].get_path().vertices) == 6
