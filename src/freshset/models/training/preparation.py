"""Items as a network takes them: read, kept, augmented or seen whole, in whichever process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import UsageError
from freshset.models.base import Preprocessing
from freshset.models.preprocessing import ArrayPreprocessing, ImagePreprocessing, seen
from freshset.models.training.augment import DRAWS, augmented
from freshset.models.training.data import IntArray, ItemReader
from freshset.models.training.draws import augmentation_draws
from freshset.models.training.recipe import Augmentation, Recipe

_AS_IT_IS = Augmentation(scale=(1, 1), flip=0)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What happens to an item before the network; a value that travels to worker processes.

    Attributes
    ----------
    view
        Of items on which the network is judged, and of training items that are not augmented.
    augmentation
        Of training images; ``None`` for arrays, which are never augmented.
    size
        (height, width) of augmented images.
    mode
        That of their pixels, as Pillow calls it.
    seed, batch
        Those of the recipe.
    """

    view: Preprocessing
    augmentation: Augmentation | None
    size: tuple[int, int]
    mode: str
    seed: int
    batch: int

    @classmethod
    def of(cls, preprocessing: Preprocessing, recipe: Recipe) -> Preparation:
        """Work out how items are prepared for a network.

        Raises
        ------
        UsageError
            For a network of something other than images and arrays, and for images whose way into
            the network is not known well enough to augment them.
        """
        view = seen(preprocessing, recipe.view)
        if isinstance(preprocessing, ArrayPreprocessing):
            return cls(view, None, (0, 0), "", recipe.seed, recipe.batch)
        if isinstance(preprocessing, ImagePreprocessing) and preprocessing.shape is not None:
            size = preprocessing.shape[:2]
            given = None if recipe.augmentation == _AS_IT_IS else recipe.augmentation
            return cls(view, given, size, preprocessing.mode, recipe.seed, recipe.batch)
        raise UsageError(
            f"A network whose input is prepared by '{preprocessing.key}' cannot be trained.",
            "Train a network of arrays, or of images with a size that is known (option img_size).",
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Some items of one source, for one process to prepare.

    Attributes
    ----------
    source
        Number of the reader.
    rows
        Rows of it.
    step, places
        Of training items: the step, and where in its batch they stand, which decide how they are
        augmented; ``None`` for items that are judged.
    """

    source: int
    rows: IntArray
    step: int | None = None
    places: IntArray | None = None


class Preparer:
    """Reads and prepares items, and keeps what it read while there is room.

    Items are read in random order, again and again, so that nothing is gained by letting one go to
    keep another: what is kept stays.

    Parameters
    ----------
    memory
        Most bytes that are kept.
    """

    def __init__(
        self, readers: Sequence[ItemReader], preparation: Preparation, memory: int
    ) -> None:
        self._readers = readers
        self._how = preparation
        self._room = memory
        self._kept: dict[tuple[int, int, bool], Any] = {}

    def prepare(self, wanted: Wanted) -> npt.NDArray[Any]:
        """Return prepared items, stacked."""
        how, source = self._how, wanted.source
        rows = [int(row) for row in wanted.rows]
        if wanted.step is None or wanted.places is None or how.augmentation is None:
            return np.stack([self._seen(source, row) for row in rows])
        draws = augmentation_draws(how.seed, wanted.step, (how.batch, DRAWS))[wanted.places]
        return np.stack(
            [
                augmented(self._decoded(source, row), how.augmentation, how.size, drawn)
                for row, drawn in zip(rows, draws, strict=True)
            ]
        )

    def _seen(self, source: int, row: int) -> npt.NDArray[Any]:
        key = (source, row, True)
        if key in self._kept:
            known: npt.NDArray[Any] = self._kept[key]
            return known
        made = np.asarray(self._how.view.prepare(self._readers[source].read(row)))
        self._keep(key, made, made.nbytes)
        return made

    def _decoded(self, source: int, row: int) -> Any:
        key = (source, row, False)
        if key in self._kept:
            return self._kept[key]
        image = self._readers[source].read(row)
        image = image if image.mode == self._how.mode else image.convert(self._how.mode)
        image.load()
        self._keep(key, image, image.width * image.height * len(image.getbands()))
        return image

    def _keep(self, key: tuple[int, int, bool], value: Any, size: int) -> None:
        if size <= self._room:
            self._room -= size
            self._kept[key] = value
