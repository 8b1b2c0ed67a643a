"""Sizes, items in two parts, and classes that cannot be learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from fakes.image_samples import encoded, make_image_folder, make_vectors, picture, write

from freshset.core.errors import DataError
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.registry import open_testset
from freshset.transfer.datasets.base import OpenDataset, Part, TransferDataset
from freshset.transfer.datasets.checks import check_apart, check_sizes, with_class_notes
from freshset.transfer.probe.scores import Metric

REF = TestSetRef("x/train", "arrays", "x.npz")
DECLARED = TransferDataset(
    "x", "Birdsnap", "top1", REF, REF, expected={"train": 47_386, "test": 2_443, "classes": 500}
)


def test_all_sizes_that_differ_are_in_one_error() -> None:
    with pytest.raises(DataError) as caught:
        check_sizes(DECLARED, {"train": 47_386, "test": 1_855, "classes": 499})
    assert caught.value.message == (
        "Birdsnap: other sizes than expected: 1,855 of 2,443 test images; 499 of 500 classes."
    )
    assert "allow_sizes: true" in caught.value.hint


def test_other_sizes_that_are_allowed_are_notes() -> None:
    allowed = replace(DECLARED, allow_sizes=True)
    assert check_sizes(allowed, {"train": 50_000, "test": 1_855, "classes": 500}) == (
        "50,000 training images, 47,386 are expected",
        "1,855 of 2,443 test images",
    )
    assert check_sizes(DECLARED, {"train": 47_386, "test": 2_443, "classes": 500}) == ()


def test_an_expected_part_that_is_not_there() -> None:
    declared = replace(DECLARED, expected={"validation": 10})
    with pytest.raises(DataError, match="0 of 10 validation images"):
        check_sizes(declared, {"train": 5, "test": 5, "classes": 2})


def part(ref: TestSetRef) -> Part:
    reader = open_testset(ref)
    return Part(reader, np.arange(reader.testset.n), reader.testset.known_labels.astype(np.int64))


def test_one_row_in_two_parts(tmp_path: Path) -> None:
    whole = part(make_image_folder(tmp_path))
    check_apart(
        DECLARED, {"train": whole.take(np.array([0, 1])), "test": whole.take(np.array([2]))}
    )
    parts = {"train": whole.take(np.array([0, 1])), "test": whole.take(np.array([3, 1]))}
    with pytest.raises(DataError, match="train and test have the same items, the first is 'n0144"):
        check_apart(DECLARED, parts)


def test_a_copy_of_the_training_set_is_no_test_set(tmp_path: Path) -> None:
    parts = {name: part(make_image_folder(tmp_path / name)) for name in ("train", "test")}
    with pytest.raises(DataError, match="the same items"):
        check_apart(DECLARED, parts)
    vectors = {name: part(make_vectors(tmp_path / name)) for name in ("train", "test")}
    for one in vectors.values():
        assert not one.reader.testset.ids_given
    check_apart(DECLARED, vectors)  # row numbers are no names, so nothing is known of them


def test_two_images_may_have_one_name(tmp_path: Path) -> None:
    parts = {}
    for start, name in ((0, "train"), (100, "test")):
        for number in range(4):
            file = f"{'cat' if number % 2 else 'dog'}/{number}.png"
            write(tmp_path / name, file, encoded(picture(start + number), "PNG"))
        parts[name] = part(TestSetRef(f"x/{name}", "image-folder", str(tmp_path / name)))
    check_apart(DECLARED, parts)


def opened(train: list[int], test: list[int], metric: Metric) -> OpenDataset:
    reader = cast("Reader", None)  # nothing is read
    parts = [Part(reader, np.arange(len(y)), np.array(y)) for y in (train, train, test)]
    return OpenDataset(replace(DECLARED, metric=metric), *parts, ("a", "b", "c"), official=False)


def test_classes_without_training_images() -> None:
    missing = opened([0, 1], [0, 1, 2, 2], "top1")
    assert with_class_notes(missing).notes == (
        (
            "the class 'c' is in the test set but not in the training set; its test images (2) count "
            "as wrong"
        ),
    )
    with pytest.raises(
        DataError, match="'c' is in the test set but not in the training set; mean-per-class weighs"
    ):
        with_class_notes(opened([0, 1], [0, 2], "mean-per-class"))
    assert with_class_notes(opened([0, 1], [0, 1], "mean-per-class")).notes == ()


def test_classes_without_test_images() -> None:
    assert with_class_notes(opened([0, 1, 2], [0], "mean-per-class")).notes == (
        (
            "2 classes ('b', ...) are in the training set but not in the test set; the mean is over the "
            "others"
        ),
    )
    assert with_class_notes(opened([0, 1, 2], [0], "top1")).notes == ()


def test_classes_of_items_that_show_several() -> None:
    base = opened([0], [0], "map11")
    train = Part(base.train.reader, np.arange(2), np.array([[1, 1, 0], [0, 1, 0]], dtype=bool))
    test = Part(base.train.reader, np.arange(1), np.array([[0, 1, 1]], dtype=bool))
    dataset = replace(base, train=train, validation=train, test=test)
    with pytest.raises(DataError, match="map11 weighs all alike"):
        with_class_notes(dataset)
    assert with_class_notes(replace(dataset, test=train)).notes == ()
