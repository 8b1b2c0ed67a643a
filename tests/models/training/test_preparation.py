from __future__ import annotations

import numpy as np
import pytest
from models.training.pictures import SIZE, Colours, Vectors
from models.training.small import recipe

from freshset.core.errors import UsageError
from freshset.models.preprocessing import (
    ArrayPreprocessing,
    ImagePreprocessing,
    TextPreprocessing,
    TransformPreprocessing,
    seen,
)
from freshset.models.training.augment import DRAWS, augmented
from freshset.models.training.draws import augmentation_draws
from freshset.models.training.preparation import Preparation, Preparer, Wanted
from freshset.models.training.recipe import Augmentation

IMAGES = ImagePreprocessing(SIZE, (SIZE, SIZE))
ROWS = np.array([4, 1, 4])
STILL = Augmentation(scale=(1, 1), flip=0)


def preparer(reader, preprocessing=IMAGES, memory=1 << 20, **changes):
    return Preparer([reader], Preparation.of(preprocessing, recipe(**changes)), memory)


def test_training_images_are_augmented_by_step_and_place():
    reader = Colours()
    found = preparer(reader).prepare(Wanted(0, ROWS, 5, np.array([2, 0, 7])))
    draws = augmentation_draws(3, 5, (8, DRAWS))
    wanted = [
        augmented(reader.read(row), Augmentation(), (SIZE, SIZE), draws[place])
        for row, place in zip(ROWS, (2, 0, 7), strict=True)
    ]
    np.testing.assert_array_equal(found, wanted)
    assert (found[0] != found[2]).any()


@pytest.mark.parametrize("view", ["whole", "centre", "weights"])
def test_judged_images_and_those_that_are_not_augmented_have_the_view(view):
    reader = Colours()
    wanted = [seen(IMAGES, view).prepare(reader.read(row)) for row in ROWS]
    still = preparer(reader, view=view, augmentation=STILL)
    judged = preparer(reader, view=view).prepare(Wanted(0, ROWS))
    np.testing.assert_array_equal(judged, wanted)
    np.testing.assert_array_equal(still.prepare(Wanted(0, ROWS, 0, np.arange(3))), wanted)


def test_images_get_the_channels_of_the_network():
    grey = ImagePreprocessing(SIZE, (SIZE, SIZE), mode="L", mean=(0.5,), std=(0.5,))
    found = preparer(Colours(), grey).prepare(Wanted(0, ROWS, 0, np.arange(3)))
    assert found.shape == (3, SIZE, SIZE, 1)


def test_arrays_pass_as_they_are():
    found = preparer(Vectors(), ArrayPreprocessing()).prepare(Wanted(0, ROWS, 0, np.arange(3)))
    np.testing.assert_array_equal(found, [Vectors().read(row) for row in ROWS])


@pytest.mark.parametrize(("judged", "size"), [(False, 18 * 15 * 3), (True, SIZE * SIZE * 3)])
def test_what_was_read_is_kept_while_there_is_room(judged, size):
    reader = Colours()
    kept = preparer(reader, memory=2 * size)
    for step in range(3):
        for row in (1, 4, 7):
            places = None if judged else np.array([0])
            kept.prepare(Wanted(0, np.array([row]), None if judged else step, places))
    assert reader.reads == 2 + 3


@pytest.mark.parametrize(
    "preprocessing",
    [
        TextPreprocessing(),
        TransformPreprocessing(np.asarray, "transform"),
        ImagePreprocessing(16, None),
    ],
)
def test_what_cannot_be_augmented_is_refused(preprocessing):
    with pytest.raises(UsageError, match="cannot be trained"):
        Preparation.of(preprocessing, recipe(view="weights"))
