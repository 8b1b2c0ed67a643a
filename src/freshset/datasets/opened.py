"""What the readers of all adapters share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.provenance import touched_near
from freshset.core.records import Labels, TestSet
from freshset.datasets import images
from freshset.datasets.base import Item, Origin
from freshset.datasets.images import Decoding, Inspection, Orientation
from freshset.datasets.options import Options

IMAGE_OPTIONS = ("orientation", "max_pixels", "border")
"""Options of every adapter that decodes images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The part of a reader that is known once a test set is open; see `freshset.datasets.base`.

    Attributes
    ----------
    notes
        What ``freshset check`` should say, such as files that were passed over.
    """

    testset: TestSet
    classes: ClassSpace | None
    item: Item
    reading: str
    origin: Origin
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReader(Opened):
    """A reader of encoded images; subclasses say where their bytes are."""

    decoding: Decoding

    def source(self, index: int) -> tuple[Path | bytes, str]:
        """File or bytes of an item, and what to call it in messages."""
        raise NotImplementedError

    def read(self, index: int) -> Image.Image:
        """Read item ``index`` as an RGB image."""
        source, where = self.source(index)
        decoding = self.decoding
        image = images.decode(
            source, where, max_pixels=decoding.max_pixels, orientation=decoding.orientation
        )
        return decoding.inside(image, where)

    def inspect(self, index: int) -> Inspection:
        """Say what the header of item ``index`` holds."""
        return images.inspect(*self.source(index))


def decoding_of(options: Options) -> Decoding:
    """How images are decoded, by the options ``orientation``, ``max_pixels`` and ``border``."""
    return Decoding(
        cast("Orientation", options.choice("orientation", get_args(Orientation))),
        options.number("max_pixels", images.MAX_PIXELS),
        options.number("border"),
    )


def classification(
    options: Options,
    ids: Sequence[str],
    labels: Labels,
    space: ClassSpace,
    *,
    ids_given: bool = True,
    strata: Mapping[str, npt.NDArray[Any]] | None = None,
) -> TestSet:
    """Make the test set of a classification task.

    Parameters
    ----------
    ids
        One an item, unique.
    labels
        Class ids in the space, shape (items,).

    Raises
    ------
    DataError
        When there are no items, an id occurs twice (the rows are named), or ids and labels differ
        in number.
    """
    name = options.ref.id
    if not len(ids):
        raise DataError(f"{name}: no items in {options.ref.path}.")
    if len(ids) != len(labels):
        raise DataError(f"{name}: {len(ids)} items, but {len(labels)} labels.")
    check_unique(ids, name)
    return TestSet(
        name,
        len(ids),
        len(space),
        item_ids=np.array(ids, dtype=object),
        labels=labels.astype(np.int32),
        ids_given=ids_given,
        class_names=space.labels,
        class_keys=space.keys if space.names else (),
        strata=dict(strata or {}),
        touched=touched_near(options.ref.path),
    )


def check_unique(ids: Sequence[str], where: str) -> None:
    """Raise `DataError` when an id occurs twice or is empty, naming the rows."""
    rows: dict[str, int] = {}
    for row, id in enumerate(ids):
        if not id:
            raise DataError(f"{where}: row {row}: the id is empty.")
        if not id.isascii() and any("\ud800" <= letter <= "\udfff" for letter in id):
            raise DataError(f"{where}: row {row}: the id {id!r} is no text in UTF-8.", "Rename it.")
        first = rows.setdefault(id, row)
        if first != row:
            raise DataError(
                f"{where}: rows {first} and {row} have one id, {id!r}.",
                "Remove the duplicate rows; an item may count only once.",
            )


def row_ids(n: int) -> list[str]:
    """Ids made up from row numbers, for items that have none."""
    return [str(row) for row in range(n)]


def given_ids(values: Sequence[Any], where: str) -> list[str]:
    """Ids as a column has them, which must be texts or whole numbers."""
    for row, value in enumerate(values):
        if value is None or isinstance(value, (bool, float)):
            raise DataError(f"{where}: row {row}: {value!r} is no id.", "Ids are texts or numbers.")
    return [str(value) for value in values]


def stratum(values: Sequence[Any], name: str, where: str) -> npt.NDArray[Any]:
    """A column by which scores can be cut; missing texts become empty, missing numbers NaN."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str}:
        return np.array([value or "" for value in values], dtype=object)
    if kinds in ({bool}, {int}) and None not in values:
        return np.array(values)
    if kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in values])
    raise DataError(
        f"{where}: the column {name!r} holds {', '.join(sorted(kind.__name__ for kind in kinds))}.",
        "A stratum is a column of texts, or one of numbers.",
    )
