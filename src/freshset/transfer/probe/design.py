"""The matrix of features as the solver wants it: centred, small, aligned, with its main directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.arrays import Array, Arrays

# Directions of the Gram matrix that the preconditioner knows one by one; with twice as many the
# iterations stay the same within a few percent, and a full decomposition costs more than the path.
_DIRECTIONS = 128
# Below this many classes products are slow unless the large matrix is also there transposed.
_NARROW, _COPY_BYTES = 32, 2**28


class Design:
    """Centred features, possibly in fewer coordinates, and a sketch of their Gram matrix.

    Parameters
    ----------
    arrays
        The back end.
    features
        Shape (n, d).
    order
        Order in which the solver wants the rows, shape (n,).
    dtype
        ``float32`` or ``float64``.
    narrow
        Number of classes.

    Attributes
    ----------
    rows, columns
        The features, shape (n, r), and transposed, shape (r, n).
    mean
        Of each feature, shape (d,), float64.
    values, directions
        Largest eigenvalues of the Gram matrix, shape (q,), and their directions, shape (r, q).
    rest
        Mean of its other eigenvalues.

    Notes
    -----
    Centring is exact, since the intercept is free.  With N < d the weights lie in the span of the N
    rows: with X' = QR and orthonormal Q the problem is the same for R', which has N columns.  Nothing
    else is rotated, so no eigenvector needs to be accurate: the sketch only serves a preconditioner.

    References
    ----------
    Halko, Martinsson and Tropp (2011), "Finding structure with randomness", SIAM Review 53:217,
    algorithms 4.4 and 5.3 with one power iteration.
    """

    def __init__(
        self,
        arrays: Arrays,
        features: npt.NDArray[Any],
        order: npt.NDArray[np.int64],
        *,
        dtype: str,
        narrow: int,
    ) -> None:
        xp = arrays.xp
        self._arrays, self._dtype = arrays, dtype
        self.mean = features.mean(axis=0, dtype=np.float64)
        n, d = features.shape
        self._basis: Array | None = None
        centred = self._centred(features, order)
        # A reduction pays when it saves more products than the factorisation takes.
        if 4 * n <= 3 * d:
            self._basis, triangle = xp.linalg.qr(centred.T)
            centred = triangle.T
        self.rows = arrays.zeros(tuple(centred.shape), dtype)
        self.rows[:] = centred
        del centred
        n, r = self.rows.shape
        if narrow < _NARROW or n * r * np.dtype(dtype).itemsize <= _COPY_BYTES:
            self.columns = arrays.zeros((r, n), dtype)
            self.columns[:] = self.rows.T
        else:
            self.columns = self.rows.T
        self._sketch(min(_DIRECTIONS, r))

    def _centred(self, features: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> Array:
        """Centred rows in the solver's order, part by part: features may be a file."""
        out = np.empty(features.shape, self._dtype)
        step = max(1, 2**22 // features.shape[1])
        for start in range(0, len(order), step):
            rows = order[start : start + step]
            out[start : start + step] = features[rows].astype(np.float64) - self.mean
        return self._arrays.put(out)

    def _sketch(self, count: int) -> None:
        xp, r = self._arrays.xp, self.rows.shape[1]
        start = np.random.default_rng(0).normal(size=(r, count))
        basis = xp.linalg.qr(self._arrays.put(start.astype(self._dtype)))[0]
        basis = xp.linalg.qr(self.columns @ (self.rows @ basis))[0]
        seen = self.rows @ basis
        values, turn = xp.linalg.eigh(seen.T @ seen)
        floor = 1e-12 * max(float(values[-1]), 1e-30)
        self.values = xp.where(values > floor, values, floor + 0 * values)
        self.directions = basis @ turn
        total = float(sum((row_block**2).sum() for row_block in self._blocks()))
        left = (total - float(self.values.sum())) / max(r - count, 1)
        # What rounding leaves of nothing must not become a negative curvature.
        self.rest = max(left, floor)

    def _blocks(self) -> list[Array]:
        step = max(1, 2**22 // self.rows.shape[1])
        return [self.rows[i : i + step] for i in range(0, len(self.rows), step)]

    def outward(self, weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Weights of the solver, shape (..., r), as weights of the features, shape (..., d)."""
        if self._basis is None:
            return weights
        flat = np.ascontiguousarray(weights.reshape(-1, weights.shape[-1]), dtype=self._dtype)
        found = self._arrays.get(self._arrays.put(flat) @ self._basis.T)
        return found.reshape(*weights.shape[:-1], -1)

    def inward(self, weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Weights of features, shape (..., d), as the solver's; what no example shows is dropped."""
        if self._basis is None:
            return weights
        flat = np.ascontiguousarray(weights.reshape(-1, weights.shape[-1]), dtype=self._dtype)
        found = self._arrays.get(self._arrays.put(flat) @ self._basis)
        return found.reshape(*weights.shape[:-1], -1)

    def others(self, features: npt.NDArray[Any]) -> Array:
        """Other features as columns in the solver's coordinates, shape (r, m)."""
        centred = self._centred(features, np.arange(len(features)))
        if self._basis is not None:
            centred = centred @ self._basis
        out = self._arrays.zeros((centred.shape[1], centred.shape[0]), self._dtype)
        out[:] = centred.T
        return out
