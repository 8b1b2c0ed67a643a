r"""What rounding can do to squared distances by products, in float32 and in bfloat16.

With x and y as they are after centring, a = \|x\|, b = \|y\|, dimension d and u = 2**-24, a float32 sum
of products has an error of at most gamma * (the sum of their absolute values), with
gamma = (d u) / (1 - d u), in whatever order it is summed (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd edition, section 3.1).  Two more columns make the product itself an upper bound::

    [x, 1, a] . [y, -(1 - 2 g) b**2 / 2 + tiny, r b]  >=  x.y - b**2 / 2,    r = 1.05 g / (1 - g)

where g is gamma of d + 8 terms, and 1 % more: enough for the further terms, for what rounding to
float32 does to the columns, and for the centring, which changes each number by a relative u and so a
squared distance by at most 2.01 u (a + b)**2.

In bfloat16, which processors with matrix units multiply many times as fast and sum in float32, x becomes
x' with p = \|x - x'\|, y becomes y' with q = \|y - y'\|.  By Cauchy and Schwarz
\|x.y - x'.y'\| <= p b + (a + p) q, which two columns add; b**2 takes three, as a bfloat16 has 8 of the 24
bits; and columns that are not exact are rounded up.  The result is rounded to bfloat16 as well, which
keeps order, so that comparing it with a number that is rounded alike loses nothing.  Pixels of 8 bits are
exact in bfloat16 about an integer centre: p and q are 0.

Whole numbers of 8 bits, which these units multiply twice as fast again, are summed in 32 bits without any
rounding: products are exact, and so are distances.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

SPARE = 8
"""Columns beside the vectors' own that there is room for; those not needed are zero."""

_U = 2.0**-24
_TINY = 1e-30  # more than what underflow can take, once the numbers are scaled


class Bounds(Protocol):
    """What products say of distances.

    Attributes
    ----------
    exact
        Whether lower and upper bounds are the squared distance itself.
    """

    @property
    def exact(self) -> bool:
        """Whether they are."""
        ...

    def least(self, norms: Numbers, worst: Numbers) -> Floats:
        """Smallest product of a reference that may be nearer than ``worst``, for each query."""
        ...

    def bounds(
        self,
        query: tuple[Numbers, Numbers],
        reference: tuple[Numbers, Numbers],
        products: Floats | Numbers,
    ) -> tuple[Numbers, Numbers]:
        """Lower and upper bounds of squared distances, from norms and losses and the products."""
        ...


class Rounding(Bounds, Protocol):
    """How numbers are rounded, and columns that make products bounds all the same."""

    def cut(self, vectors: Floats) -> Numbers:
        """Round vectors in place; returns the norm of what was cut off each."""
        ...

    def fill(
        self, queries: Floats | None, references: Floats | None, norms: Numbers, lost: Numbers
    ) -> None:
        """Fill the spare columns of queries or of references."""
        ...


def _g(dimension: int) -> float:
    terms = (dimension + 8) * _U
    g = 1.01 * terms / (1 - terms)
    if not g < 0.1:
        raise DataError(f"{dimension:,} dimensions are too many.", "Reduce the images' size.")
    return g


class Float32:
    """Products in float32; see `Rounding`."""

    exact = False

    def __init__(self, dimension: int) -> None:
        self._g = _g(dimension)

    def cut(self, vectors: Floats) -> Numbers:
        """Nothing is lost: they are float32."""
        return np.zeros(len(vectors))

    def fill(
        self, queries: Floats | None, references: Floats | None, norms: Numbers, lost: Numbers
    ) -> None:
        """See `Rounding.fill`."""
        del lost
        if queries is not None:
            queries[:, -SPARE:] = 0
            queries[:, -SPARE] = 1
            queries[:, -SPARE + 1] = norms
        if references is not None:
            references[:, -SPARE:] = 0
            references[:, -SPARE] = (self._g - 0.5) * norms * norms + _TINY
            references[:, -SPARE + 1] = 1.05 * self._g / (1 - self._g) * norms

    def least(self, norms: Numbers, worst: Numbers) -> Floats:
        """See `Bounds.least`."""
        return _down(((1 - 4 * _U) * norms * norms - worst) / 2)

    def bounds(
        self,
        query: tuple[Numbers, Numbers],
        reference: tuple[Numbers, Numbers],
        products: Floats | Numbers,
    ) -> tuple[Numbers, Numbers]:
        """See `Bounds.bounds`."""
        (a, _), (b, _) = query, reference
        twice = 2 * products.astype(np.float64)
        lower = (1 - 4 * _U) * a * a - twice
        # Of the bound's two sides: what the columns added, and as much again.
        upper = (1 + 8 * _U) * a * a - twice + self._g * b * (3.5 * b + 5.2 * a) + 8 * _TINY
        return lower, upper


class Bfloat16:
    """Products of bfloat16 numbers, summed in float32 and rounded to bfloat16; see `Rounding`."""

    exact = False

    def __init__(self, dimension: int) -> None:
        self._g = _g(dimension)

    def cut(self, vectors: Floats) -> Numbers:
        """See `Rounding.cut`."""
        short = _nearest(vectors)
        rest = np.subtract(vectors, short)
        vectors[...] = short
        # The sum has float32's error, at most g.
        lost = np.sqrt(np.vecdot(rest, rest).astype(np.float64))
        return np.asarray(lost * (1 + self._g), dtype=np.float64)

    def fill(
        self, queries: Floats | None, references: Floats | None, norms: Numbers, lost: Numbers
    ) -> None:
        """See `Rounding.fill`."""
        if queries is not None:
            queries[:, -SPARE:] = 0
            queries[:, -SPARE : -SPARE + 3] = 1
            queries[:, -SPARE + 3] = _up(lost)
            queries[:, -SPARE + 4] = _up(norms + lost)
        if references is not None:
            references[:, -SPARE:] = 0
            rest = ((self._g - 0.5) * norms * norms + _TINY).astype(np.float32)
            for column in range(-SPARE, -SPARE + 3):
                references[:, column] = _nearest(rest)
                rest -= references[:, column]
            references[:, -SPARE + 3] = _up(norms)
            added = 1.05 * self._g / (1 - self._g) * norms
            references[:, -SPARE + 4] = _up(lost + added)

    def least(self, norms: Numbers, worst: Numbers) -> Floats:
        """See `Bounds.least`; rounded as the products are, and just below, as they may be equal."""
        down = _nearest(_down(((1 - 4 * _U) * norms * norms - worst) / 2))
        return np.nextafter(down, np.float32(-np.inf))

    def bounds(
        self,
        query: tuple[Numbers, Numbers],
        reference: tuple[Numbers, Numbers],
        products: Floats | Numbers,
    ) -> tuple[Numbers, Numbers]:
        """See `Bounds.bounds`."""
        (a, p), (b, q) = query, reference
        twice = 2 * products.astype(np.float64)
        rounded = np.abs(twice) * 2.0**-8
        lower = (1 - 4 * _U) * a * a - twice - rounded
        # Both sides of the loss, with what rounding up made of it; and those of the sum.
        loss = 4.1 * (p * b + (a + p) * q)
        summed = self._g * b * (4.2 * b + 5.8 * (a + p)) + 8 * _TINY
        upper = (1 + 8 * _U) * a * a - twice + rounded + loss + summed
        return lower, upper


class Whole:
    """Products of whole numbers of 8 bits, exact."""

    DIMENSIONS = 1 << 16
    """With so many a product is at most 2**30, and a sum of two that 32 bits hold."""

    exact = True

    def least(self, norms: Numbers, worst: Numbers) -> Floats:
        """Smallest product, less half the square of the reference; see `Bounds.least`."""
        return _down((np.rint(norms * norms) - worst) / 2)

    def bounds(
        self,
        query: tuple[Numbers, Numbers],
        reference: tuple[Numbers, Numbers],
        products: Floats | Numbers,
    ) -> tuple[Numbers, Numbers]:
        """See `Bounds.bounds`."""
        # Squares of whole numbers: rounding undoes what the roots have lost.
        squares = np.rint(query[0] * query[0]) + np.rint(reference[0] * reference[0])
        distances = squares - 2 * products.astype(np.float64)
        return distances, distances


def _nearest(values: Floats) -> Floats:
    """Round float32 numbers to those that bfloat16 holds, to even among equals."""
    bits = values.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + (odd + np.uint32(0x7FFF))) & np.uint32(0xFFFF0000)).view(np.float32)


def _up(values: Numbers) -> Floats:
    """Numbers of bfloat16 that are at least as large, for numbers of 0 and more."""
    return _nearest((values * (1 + 2.0**-7)).astype(np.float32))


def _down(values: Numbers) -> Floats:
    return np.nextafter(values.astype(np.float32), np.float32(-np.inf))
