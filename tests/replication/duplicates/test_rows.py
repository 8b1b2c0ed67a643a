from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.replication.duplicates.rows import Chosen, NpyRows, check_finite, check_rows


def test_a_file_gives_the_rows_that_an_array_gives(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.float32).reshape(12, 5)
    np.save(tmp_path / "rows.npy", array)
    rows = NpyRows(tmp_path / "rows.npy")
    assert (rows.shape, rows.dtype) == (array.shape, array.dtype)
    for at in (slice(0, 12), slice(3, 7), slice(10, 99), slice(5, 5)):
        assert np.array_equal(rows[at], array[at])
    for some in ([0], [1, 2, 3, 7, 8, 11], [], [5, 4, 4]):
        assert np.array_equal(rows[np.array(some, np.intp)], array[np.array(some, np.intp)])


def test_a_file_that_was_cut_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.zeros((100, 5)))
    rows = NpyRows(tmp_path / "rows.npy")
    with (tmp_path / "rows.npy").open("r+b") as file:
        file.truncate(2000)
    with pytest.raises(DataError, match="ends before row 100"):
        rows[slice(0, 100)]


@pytest.mark.parametrize("array", [np.zeros(4), np.zeros((2, 2, 2)), np.zeros((3, 4)).T])
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "rows.npy", array)
    with pytest.raises(DataError, match=r"two-dimensional array in C order"):
        NpyRows(tmp_path / "rows.npy")


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.npy").write_text("hello", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read as an array"):
        NpyRows(tmp_path / "rows.npy")
    with pytest.raises(DataError, match="cannot be read as an array"):
        NpyRows(tmp_path / "none.npy")


def test_chosen_rows_may_have_another_shape() -> None:
    array = np.arange(48).reshape(4, 12)
    some = Chosen(array, np.array([3, 1]), (2, 2, 3))
    assert some.shape == (2, 2, 2, 3)
    assert np.array_equal(some[0:2], array[[3, 1]].reshape(2, 2, 2, 3))
    assert np.array_equal(Chosen(array, np.array([3, 1]))[np.array([1])], array[[1]])


def test_bad_numbers_are_named() -> None:
    block = np.ones((5, 3))
    block[2, 1] = np.nan
    with pytest.raises(DataError, match="features: row 12 holds NaN"):
        check_finite(block, 10, "features")
    check_finite(np.full((2, 2), 1e308), 0, "large, but finite")
    check_finite(np.ones((2, 2), np.uint8), 0, "whole numbers")
    with pytest.raises(DataError, match=r"shape \(3,\)"):
        check_rows(np.zeros(3), "features")
    with pytest.raises(DataError, match="type complex128"):
        check_rows(np.zeros((3, 2), complex), "features")
