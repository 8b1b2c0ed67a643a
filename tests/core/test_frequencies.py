from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies


def frequencies(selected, answers, ids=("a", "b", "c")):
    n = len(selected)
    return Frequencies(
        np.array(ids[:n], dtype=object),
        np.array(["x"] * n, dtype=object),
        np.array(selected, dtype=float),
        np.array(answers, dtype=float),
    )


def test_no_answers_is_unknown_and_not_never_selected():
    value = frequencies([0, 0, 3], [0, 4, 4]).value
    np.testing.assert_array_equal(value, [np.nan, 0, 0.75])


def test_rows_are_taken_together():
    taken = frequencies([1, 2, 3], [4, 4, 4])[np.array([2, 0])]
    assert len(taken) == 2
    assert taken.item_ids.tolist() == ["c", "a"]
    assert taken.selected.tolist() == [3, 1]


@pytest.mark.parametrize("selected", [-1.0, 5.0, np.nan])
def test_counts_that_cannot_be_are_named(selected):
    with pytest.raises(DataError, match=r"'b'.*of 4 answers"):
        frequencies([1, selected], [4, 4])


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="different lengths"):
        frequencies([1, 2], [4, 4], ids=("a",))


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [2, 3, 1, 0], [1, 0, 3, 2]])
def test_order_is_of_classes_and_in_them_of_images(rows):
    columns = np.array([("b", "x"), ("c", "x"), ("a", "y"), ("b", "y")], dtype=object)[rows].T
    known = Frequencies(*columns, np.zeros(4), np.ones(4))
    assert np.array(rows)[known.order()].tolist() == [0, 1, 2, 3]


def test_nothing_is_in_order():
    assert frequencies([], []).order().tolist() == []
