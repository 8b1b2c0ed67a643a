"""What a probe has learned: weights, intercepts, and the classes they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Classifier:
    """A linear classifier of features.

    Attributes
    ----------
    weights
        Shape (classes, d).
    intercepts
        Shape (classes,).
    classes
        Class id of each row, shape (classes,), increasing.  A class without training examples has no
        row and is never predicted.
    """

    weights: npt.NDArray[Any]
    intercepts: npt.NDArray[Any]
    classes: npt.NDArray[np.int64]

    def scores(self, features: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Logits of examples, shape (n, classes), columns as in ``classes``."""
        wide = np.asarray(features).astype(self.weights.dtype, copy=False)
        return np.asarray(wide @ self.weights.T + self.intercepts)

    def predict(self, features: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Class ids of examples, shape (n,); of equal logits the lowest id."""
        return np.asarray(self.classes[self.scores(features).argmax(axis=1)])

    def __repr__(self) -> str:
        classes, d = self.weights.shape
        return f"Classifier({classes} classes, {d} features)"
