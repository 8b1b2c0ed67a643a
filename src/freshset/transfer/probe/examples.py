"""Features and labels of a probe, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Examples:
    """What a probe learns from or is judged by.

    Attributes
    ----------
    features
        Shape (n, d), any kind of number; float16 is widened where it is used.
    labels
        Class ids, shape (n,), integers; or which classes each example shows, shape (n, classes),
        bool, for a probe of one sigmoid a class.
    """

    features: npt.NDArray[Any]
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def multilabel(self) -> bool:
        """Whether an example can show several classes."""
        return self.labels.ndim == 2


def checked(examples: Examples, name: str, like: Examples | None = None) -> Examples:
    """Return the examples as arrays that a solver can trust.

    Parameters
    ----------
    examples
        As given.
    name
        What they are called in messages, for example ``training``.
    like
        Examples whose dimension and kind of labels these must share.

    Raises
    ------
    DataError
        For shapes that do not fit, no examples, no features, features that are nan or infinite
        (naming the first row), and labels that are no class ids.
    """
    features, labels = np.asarray(examples.features), np.asarray(examples.labels)
    if features.ndim != 2 or features.shape[1] == 0:
        raise DataError(
            f"The {name} features have shape {features.shape}, not (examples, features).",
            "Give one row an example; reshape a single feature with features[:, None].",
        )
    if labels.ndim not in {1, 2} or len(labels) != len(features):
        raise DataError(
            f"The {name} set has {len(features)} rows of features but labels of shape {labels.shape}."
        )
    if not len(features):
        raise DataError(f"The {name} set has no examples.")
    if features.dtype.kind not in "fiub":
        raise DataError(f"The {name} features are of type {features.dtype}, not numbers.")
    bad = _first_bad(features)
    if bad is not None:
        raise DataError(
            f"Row {bad} of the {name} features is not finite (nan or infinite).",
            "Extract the features again; a diverged network or an overflow of float16 gives these.",
        )
    found = Examples(features, _labels(labels, name))
    if like is not None:
        _same_kind(found, like, name)
    return found


def _first_bad(features: npt.NDArray[Any]) -> int | None:
    """First row that is not finite; in parts, as a mask of everything may not fit into memory."""
    if features.dtype.kind != "f":
        return None
    step = max(1, 2**22 // features.shape[1])
    for start in range(0, len(features), step):
        rows = np.isfinite(features[start : start + step]).all(axis=1)
        if not rows.all():
            return start + int(np.argmin(rows))
    return None


def _labels(labels: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if labels.ndim == 2:
        if labels.dtype.kind not in "biu" or ((labels != 0) & (labels != 1)).any():
            raise DataError(f"The {name} labels have two dimensions but are not all true or false.")
        return labels.astype(bool)
    if labels.dtype.kind not in "iu":
        raise DataError(f"The {name} labels are of type {labels.dtype}, not class ids.")
    if labels.min() < 0:
        raise DataError(f"Row {int(labels.argmin())} of the {name} labels is negative.")
    return labels.astype(np.int64)


def _same_kind(examples: Examples, like: Examples, name: str) -> None:
    if examples.features.shape[1] != like.features.shape[1]:
        raise DataError(
            f"The {name} features have {examples.features.shape[1]} columns, "
            f"the training features {like.features.shape[1]}."
        )
    if examples.labels.shape[1:] != like.labels.shape[1:]:
        raise DataError(
            f"The {name} labels have shape {examples.labels.shape}, "
            f"the training labels {like.labels.shape}."
        )
