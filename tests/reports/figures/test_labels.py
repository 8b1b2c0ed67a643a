from __future__ import annotations

import numpy as np

from freshset.reports.figures import style
from freshset.reports.figures.labels import place, unique


def drawn(axes):
    return [text.get_text() for text in axes.texts]


def canvas():
    _, axes = style.canvas()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return axes


@style.styled()
def test_names_never_overlap():
    axes = canvas()
    x = y = np.linspace(0.4, 0.6, 12)
    place(axes, x, y, [(i, f"model {i}") for i in range(12)])
    axes.figure.draw_without_rendering()
    boxes = [text.get_bbox_patch().get_window_extent() for text in axes.texts]
    assert len(boxes) > 4
    shrunk = [box.shrunk(0.9, 0.9) for box in boxes]
    assert not any(a.overlaps(b) for i, a in enumerate(shrunk) for b in shrunk[:i])


@style.styled()
def test_a_name_without_room_is_left_out_and_the_first_comes_first():
    axes = canvas()
    place(axes, [0.5] * 60, [0.5] * 60, [(i, f"model number {i}") for i in range(60)])
    names = drawn(axes)
    assert names[0] == "model number 0"
    assert 1 <= len(names) < 60
    axes = canvas()
    place(axes, [0.5], [0.5], [(0, "x" * 500)])
    assert drawn(axes)[0].startswith("xxx")
    assert len(drawn(axes)[0]) < 40


@style.styled()
def test_names_keep_off_lines():
    axes = canvas()
    place(axes, [0.5], [0.5], [(0, "name")], avoid=[([0, 1], [0.51, 0.51])])
    assert axes.texts[0].xyann[1] != 8 * 0.35


def test_unique_keeps_the_order():
    assert unique([3, 1, 3, 2, 1]) == [3, 1, 2]
