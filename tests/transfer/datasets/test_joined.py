"""Two sets as one read what each of them reads."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from fakes.image_samples import N, make_image_folder, make_vectors

from freshset.datasets.registry import open_testset
from freshset.transfer.datasets.base import Part
from freshset.transfer.datasets.joined import joined, pooled


def test_items_of_both(tmp_path: Path) -> None:
    images = open_testset(make_image_folder(tmp_path / "a"))
    other = open_testset(make_image_folder(tmp_path / "b"))
    both = joined(images, other)
    assert both.testset.n == 2 * N
    both.testset.check("both")  # ids are unique, though those of the two sets are the same
    assert both.testset.ids[N] == "second:n01440764/img_00.jpg"
    assert both.read(1).tobytes() == images.read(1).tobytes()
    assert both.read(N + 2).tobytes() == other.read(2).tobytes()
    assert images.reading in both.reading
    assert pickle.loads(pickle.dumps(both)).read(N).tobytes() == other.read(0).tobytes()


def test_arrays(tmp_path: Path) -> None:
    one, two = (open_testset(make_vectors(tmp_path / name)) for name in "ab")
    both = joined(one, two)
    assert both.item == "array"
    np.testing.assert_array_equal(both.read(N), two.read(0))
    assert not both.testset.ids_given


def test_parts_of_one_set_stay_parts_of_it(tmp_path: Path) -> None:
    reader = open_testset(make_image_folder(tmp_path / "a"))
    train = Part(reader, np.array([0, 2]), np.array([1, 0]))
    both = pooled(train, Part(reader, np.array([5]), np.array([1])))
    assert both.reader is reader
    assert (both.rows.tolist(), both.targets.tolist()) == ([0, 2, 5], [1, 0, 1])


def test_parts_of_two_sets_are_parts_of_both(tmp_path: Path) -> None:
    one, two = (open_testset(make_image_folder(tmp_path / name)) for name in "ab")
    shown = np.array([[True, False]])
    both = pooled(Part(one, np.array([3]), shown), Part(two, np.array([4]), ~shown, ignored=shown))
    assert both.rows.tolist() == [3, N + 4]
    assert both.reader.read(N + 4).tobytes() == two.read(4).tobytes()
    assert both.ignored is not None
    assert both.ignored.tolist() == [[False, False], [True, False]]
    assert both.targets.tolist() == [[True, False], [False, True]]
