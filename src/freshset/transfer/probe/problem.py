"""The penalised problem: where a candidate solution stands, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.arrays import Array, Arrays
from freshset.transfer.probe.design import Design
from freshset.transfer.probe.losses import Loss


@dataclass(slots=True)
class Point:
    """A candidate solution and what is known there.

    Attributes
    ----------
    flat
        Weights, then intercepts, shape (classes * r + classes,).
    margins
        Shape (classes, n); always those of ``flat``.
    residual
        Derivatives of the loss there, shape (classes, n).
    loss
        Sum of the losses, without the penalty.
    square
        Sum of the squared weights.
    """

    flat: Array
    margins: Array
    residual: Array
    loss: float
    square: float

    def objective(self, penalty: float) -> float:
        """``loss + penalty / 2 * |W|^2``."""
        return self.loss + penalty / 2 * self.square


class Problem:
    """Loss on a design; the penalty is an argument, since one problem has a whole path of them.

    Attributes
    ----------
    multiplications
        Operations that products with the features took, 2 n r classes each.
    """

    def __init__(self, arrays: Arrays, design: Design, loss: Loss, dtype: str) -> None:
        self.arrays, self.design, self.loss, self.dtype = arrays, design, loss, dtype
        self.n, self.width = design.rows.shape
        self.classes = len(loss.offsets)
        self.multiplications = 0
        # F is a sum of n rounded losses: differences below this share of it say nothing.
        self.noise = 1e-7 if dtype == "float32" else 1e-14

    def new(self) -> Array:
        """A vector of weights and intercepts, all 0."""
        return self.arrays.zeros((self.classes * (self.width + 1),), self.dtype)

    def room(self) -> Array:
        """An array like the margins."""
        return self.arrays.zeros((self.classes, self.n), self.dtype)

    def split(self, flat: Array) -> tuple[Array, Array]:
        """Weights, shape (classes, r), and intercepts, shape (classes,), of a vector; views."""
        cut = self.classes * self.width
        return flat[:cut].reshape(self.classes, self.width), flat[cut:]

    def join(self, weights: npt.NDArray[np.generic], intercepts: npt.NDArray[np.generic]) -> Array:
        """A vector of weights and intercepts."""
        both = np.concatenate([weights.reshape(-1), intercepts]).astype(self.dtype)
        return self.arrays.put(both)

    def dot(self, one: Array, other: Array) -> float:
        """Inner product of two vectors."""
        return float(self.arrays.xp.dot(one, other))

    def weight_dot(self, one: Array, other: Array) -> float:
        """Inner product of the weights only, summed in float64."""
        cut = self.classes * self.width
        return float((one[:cut] * other[:cut]).sum(dtype=self.arrays.xp.float64))

    def at(self, flat: Array) -> Point:
        """The point of a vector; one product with the features."""
        margins, residual = self.room(), self.room()
        self.margins(flat, margins)
        loss = self.loss.evaluate(margins, residual)
        return Point(flat, margins, residual, loss, self.weight_dot(flat, flat))

    def margins(self, flat: Array, out: Array) -> None:
        """Margins of a vector, or how they change along it."""
        weights, intercepts = self.split(flat)
        self.arrays.xp.matmul(weights, self.design.columns, out=out)
        out += intercepts[:, None]
        self.loss.centre(out)
        self.multiplications += 2 * self.n * self.width * self.classes

    def gradient(self, point: Point, penalty: float) -> Array:
        """Gradient of the objective, shape as ``point.flat``; one product with the features."""
        flat = self.new()
        weights, intercepts = self.split(flat)
        self.arrays.xp.matmul(point.residual, self.design.rows, out=weights)
        weights += penalty * self.split(point.flat)[0]
        intercepts[:] = point.residual.sum(1, dtype=self.arrays.xp.float64)
        self.multiplications += 2 * self.n * self.width * self.classes
        return flat
