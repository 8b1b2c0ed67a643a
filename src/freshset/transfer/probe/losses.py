"""Losses and their curvature, class by class along the rows and safe in float32."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.arrays import Array, Arrays

# Elements of a block: its few passes stay in the processor's cache.
_BLOCK = 2**17


class Loss(Protocol):
    """A convex loss of linear margins, shape (classes, n).

    Attributes
    ----------
    offsets
        Intercepts of the best constant prediction, shape (classes,).
    rank_deficient
        Whether adding one number to all intercepts changes nothing.
    """

    offsets: npt.NDArray[np.float64]
    rank_deficient: bool

    def centre(self, margins: Array) -> None:
        """Turn logits, or a change of them, into margins in place; linear."""
        ...

    def evaluate(self, margins: Array, residual: Array) -> float:
        """Sum of the losses; writes their derivatives with respect to the logits to ``residual``."""
        ...

    def curvature(self, residual: Array) -> npt.NDArray[np.float64]:
        """Sum over examples of the Hessian of the loss in the logits, shape (classes, classes)."""
        ...

    def pair_weights(
        self, residual: npt.NDArray[np.float64]
    ) -> dict[tuple[int, int], npt.NDArray[np.float64]]:
        """Second derivatives in the logits of two classes k <= m, shape (n,); 0 where left out."""
        ...

    def products(
        self, residual: Array, directions: list[Array]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """First derivatives along directions of the margins, and second ones, (h,) and (h, h)."""
        ...


class Softmax:
    """Cross-entropy of one class an example.

    Parameters
    ----------
    arrays
        The back end.
    labels
        Sorted class numbers 0 .. classes - 1, each of which occurs, shape (n,).

    Notes
    -----
    The margin of a class is its logit less that of the true one, so the true class has margin 0 and
    every loss is log(1 + sum of the others' exponentials): with the largest margin taken out first and
    `log1p` it is right to float32 even when it is 1e-20.  The derivative of the true class is less the
    sum of the others', never ``p - 1``: at small penalties residuals are smaller than the rounding of p.
    """

    rank_deficient = True

    def __init__(self, arrays: Arrays, labels: npt.NDArray[np.int64]) -> None:
        self._arrays, self._labels = arrays, labels
        counts = np.bincount(labels)
        n, classes = len(labels), len(counts)
        logs = np.log(counts)
        self.offsets = logs - logs.mean()
        self._edges = np.concatenate([[0], np.cumsum(counts)])
        step = max(256, _BLOCK // classes)
        self._blocks = [
            (slice(i, min(i + step, n)), *self._places(labels[i : i + step]))
            for i in range(0, n, step)
        ]

    def _places(self, labels: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        return self._arrays.put(labels), self._arrays.put(np.arange(len(labels)))

    def centre(self, margins: Array) -> None:
        """See `Loss.centre`."""
        for where, label, at in self._blocks:
            block = margins[:, where]
            block -= block[label, at]

    def evaluate(self, margins: Array, residual: Array) -> float:
        """See `Loss.evaluate`."""
        xp, total = self._arrays.xp, 0.0
        for where, label, at in self._blocks:
            block, out = margins[:, where], residual[:, where]
            top = xp.amax(block, 0)  # at least 0, the margin of the true class
            xp.subtract(block, top, out=out)
            xp.exp(out, out=out)
            out[label, at] = 0
            others = out.sum(0)
            share = 1 / (others + xp.exp(-top))
            xp.multiply(out, share, out=out)
            out[label, at] = -(others * share)
            losses = xp.log1p(others + xp.expm1(-top)) + top
            total += float(losses.sum(dtype=xp.float64))
        return total

    def curvature(self, residual: Array) -> npt.NDArray[np.float64]:
        """See `Loss.curvature`.

        With p = y + r each example's diag(p) - pp' is diag(r) - yr' - ry' - rr', in which nothing
        cancels however small r is.
        """
        get = self._arrays.get
        sums = [residual[:, i:j].sum(1) for i, j in zip(self._edges, self._edges[1:], strict=False)]
        by_class = np.stack([get(s).astype(np.float64) for s in sums])
        square = get(residual @ residual.T).astype(np.float64)
        return np.asarray(np.diag(by_class.sum(axis=0)) - by_class - by_class.T - square)

    def pair_weights(
        self, residual: npt.NDArray[np.float64]
    ) -> dict[tuple[int, int], npt.NDArray[np.float64]]:
        """See `Loss.pair_weights`."""
        shares = residual.copy()
        shares[self._labels, np.arange(len(self._labels))] += 1
        size = np.abs(residual)
        found = {(k, k): row * (1 - row) for k, row in enumerate(size)}
        pairs = zip(*np.triu_indices(len(shares), 1), strict=True)
        return found | {(int(k), int(m)): -shares[k] * shares[m] for k, m in pairs}

    def products(
        self, residual: Array, directions: list[Array]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """See `Loss.products`.

        The true class has margin 0 in every direction, so that only small probabilities enter.
        """
        count = len(directions)
        first, second = np.zeros(count), np.zeros((count, count))
        for where, label, at in self._blocks:
            shares = residual[:, where] + 0
            shares[label, at] = 0
            parts = [direction[:, where] for direction in directions]
            weighted = [shares * part for part in parts]
            means = [part.sum(0) for part in weighted]
            for i in range(count):
                first[i] += float(means[i].sum())
                for j in range(i + 1):
                    both = (weighted[i] * parts[j]).sum() - (means[i] * means[j]).sum()
                    second[i, j] += float(both)
        return first, second + np.tril(second, -1).T


class Sigmoid:
    """One sigmoid a class: every class against the rest.

    Parameters
    ----------
    arrays
        The back end.
    shown
        Which classes each example shows, shape (n, classes), bool; each class in some examples and
        not in all.
    dtype
        ``float32`` or ``float64``.
    """

    rank_deficient = False

    def __init__(self, arrays: Arrays, shown: npt.NDArray[np.bool_], *, dtype: str) -> None:
        self._arrays = arrays
        share = shown.mean(axis=0)
        self.offsets = np.log(share) - np.log1p(-share)
        n, classes = shown.shape
        # Minus one for a class that is shown: the margin is then large where the answer is wrong.
        self._sign = arrays.zeros((classes, n), dtype)
        self._sign[:] = arrays.put(np.where(shown.T, -1, 1).astype(dtype))
        step = max(256, _BLOCK // classes)
        self._blocks = [slice(i, min(i + step, n)) for i in range(0, n, step)]

    def centre(self, margins: Array) -> None:
        """See `Loss.centre`; nothing to do, since signs are taken where losses are."""

    def evaluate(self, margins: Array, residual: Array) -> float:
        """See `Loss.evaluate`."""
        xp, total = self._arrays.xp, 0.0
        for where in self._blocks:
            sign, out = self._sign[:, where], residual[:, where]
            wrong = sign * margins[:, where]
            small = xp.exp(-xp.abs(wrong))
            losses = xp.log1p(small) + wrong.clip(0)
            total += float(losses.sum(dtype=xp.float64))
            # sigmoid(m) = 1 / (1 + e^-m) for m >= 0, else e^m / (1 + e^m).
            upper = xp.where(wrong >= 0, 1 + 0 * small, small)
            xp.multiply(sign, upper / (1 + small), out=out)
        return total

    def curvature(self, residual: Array) -> npt.NDArray[np.float64]:
        """See `Loss.curvature`; diagonal."""
        sums = [self._weights(residual[:, where]).sum(1) for where in self._blocks]
        return np.asarray(np.diag(sum(self._arrays.get(s).astype(np.float64) for s in sums)))

    def pair_weights(
        self, residual: npt.NDArray[np.float64]
    ) -> dict[tuple[int, int], npt.NDArray[np.float64]]:
        """See `Loss.pair_weights`; classes do not meet."""
        return {(k, k): row * (1 - row) for k, row in enumerate(np.abs(residual))}

    def products(
        self, residual: Array, directions: list[Array]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """See `Loss.products`."""
        count = len(directions)
        first, second = np.zeros(count), np.zeros((count, count))
        for where in self._blocks:
            weights = self._weights(residual[:, where])
            parts = [direction[:, where] for direction in directions]
            for i in range(count):
                first[i] += float((residual[:, where] * parts[i]).sum())
                weighted = weights * parts[i]
                for j in range(i + 1):
                    second[i, j] += float((weighted * parts[j]).sum())
        return first, second + np.tril(second, -1).T

    def _weights(self, residual: Array) -> Any:
        size = self._arrays.xp.abs(residual)
        return size * (1 - size)
