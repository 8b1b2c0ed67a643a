from __future__ import annotations

import numpy as np
import pytest

from freshset.generalization.pair import PairMatrix
from freshset.reports.figures import pairs
from freshset.reports.figures.base import to_svg


@pytest.fixture
def matrix():
    p = np.ones((4, 4))
    p[0, 2] = p[2, 0] = p[0, 3] = p[3, 0] = p[1, 3] = p[3, 1] = 0.001
    return PairMatrix("toy/set", "top1", 0.95, ("a", "b", "c", "d"), p)


def test_alt_counts_the_pairs(matrix):
    figure = pairs(matrix, "new")
    assert figure.name == "pairs-new"
    assert "6 pairs of 4 models" in figure.alt
    assert "3 told apart" in figure.alt
    assert "The best, a, is tied with 1: b." in figure.alt


def test_rows_say_what_is_tied(matrix):
    marks = pairs(matrix, "old").marks
    assert [m.cells for m in marks] == ["0011", "0001", "1000", "1100"]
    assert marks[0].titles[0] == "a\nplace 1, told apart from 2 of 3\ntied with b"


def test_data_hold_every_pair_once(matrix):
    rows = [[cell.values[0] for cell in row] for row in pairs(matrix, "old").data.rows]
    assert len(rows) == 6
    assert ["a", "c", 0.001, True] in rows
    assert ["a", "b", 1.0, False] in rows


def test_all_apart():
    p = np.full((2, 2), 1e-9)
    np.fill_diagonal(p, 1)
    figure = pairs(PairMatrix("s", "top1", 0.95, ("a", "b"), p), "old")
    assert "is told apart from every other" in figure.alt


def test_more_models_than_names():
    total = 150
    names = tuple(f"m{i}" for i in range(total))
    figure = pairs(PairMatrix("s", "top1", 0.95, names, np.ones((total, total))), "old")
    svg = to_svg(figure)
    assert ">m7<" not in svg
    assert ">100<" in svg
    assert len(figure.marks) == total
