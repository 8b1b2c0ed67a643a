"""What is asked of a model for its features, and what is kept of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.records import TestSet
from freshset.models.base import OUTPUTS, Model, Pooling
from freshset.models.registry import feature_model
from freshset.store.columns import Columns
from freshset.transfer.features.wanted import KIND

Storage = Literal["float32", "float16"]

_RANGE = np.finfo(np.float16).max


@dataclass(frozen=True, slots=True)
class AskFeatures:
    """Asks a model for its features; see `freshset.engine.job.Forward`."""

    layer: str
    pooling: Pooling

    def __call__(self, model: Model, batch: Any) -> npt.NDArray[np.float32]:
        """Return the features of a prepared batch, shape (n, width)."""
        if self.layer == OUTPUTS:
            return np.asarray(model.predict(batch), dtype=np.float32)
        return feature_model(model).features(batch, self.layer, self.pooling)


@dataclass(slots=True)
class FeatureColumns:
    """Checks features and stores them as they are wanted; see `freshset.engine.job.ColumnMaker`.

    Attributes
    ----------
    model
        Its name, for messages.
    testset
        Whose rows they are.
    storage
        Type of the values in the file.
    """

    model: str
    testset: TestSet
    storage: Storage
    _width: int = 0

    def columns(self, raw: Any, rows: slice, items: Sequence[Any]) -> Columns:  # noqa: ARG002  # the port's signature
        """Return the features of some rows, shape (rows, width).

        Raises
        ------
        DataError
            For another shape, and for numbers that are not finite or do not fit the type.
        """
        with np.errstate(
            over="ignore"
        ):  # what float32 cannot hold becomes infinite, and is told of
            values = np.asarray(raw, dtype=np.float32)
        n = rows.stop - rows.start
        if values.ndim != 2 or len(values) != n or 0 in values.shape:
            raise DataError(
                f"{self.model}: features of shape {values.shape} for {n} items.",
                "A layer must give one row an item.",
            )
        self._width = self._width or values.shape[1]
        if values.shape[1] != self._width:
            raise DataError(
                f"{self.model}: {values.shape[1]:,} features at {self._item(rows.start)}, "
                f"{self._width:,} before.",
                "Pool the layer by 'mean' or 'first'.",
            )
        self._check(
            np.isfinite(values),
            rows,
            "is NaN or infinite",
            "Check the weights and the preprocessing; with fp16, try the precision fp32.",
        )
        if self.storage == "float16":
            self._check(
                np.abs(values) <= _RANGE,
                rows,
                f"is beyond the {_RANGE:,.0f} of float16",
                "Store features as float32.",
            )
        return {KIND: values.astype(self.storage, copy=False)}

    def _check(self, good: npt.NDArray[np.bool_], rows: slice, what: str, hint: str) -> None:
        if good.all():
            return
        bad = np.flatnonzero(~good.all(axis=1))
        raise DataError(
            f"{self.model}: a feature that {what} at {self._item(rows.start + int(bad[0]))}.", hint
        )

    def _item(self, row: int) -> str:
        return f"row {row} of {self.testset.id} ({self.testset.ids[row]!r})"
