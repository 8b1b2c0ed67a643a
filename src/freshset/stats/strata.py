"""A metric within each stratum of a test set: by keyword, by difficulty, by year."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.stats.metrics import Metric, MetricValue, evaluate, find_metric
from freshset.stats.predictions import Predictions
from freshset.stats.types import BoolArray, FloatArray, IntArray

# More different numbers than this are cut into quantiles.
MAX_NUMBERS = 20
_MISSING = "missing"


def by_stratum(
    metric: Metric | str,
    predictions: Predictions,
    values: npt.NDArray[Any],
    *,
    rng: np.random.Generator | None,
    level: float = 0.95,
    n_resamples: int = 2_000,
    quantiles: int = 5,
) -> tuple[tuple[str, MetricValue], ...]:
    """Compute a metric on each part of the items.

    Parameters
    ----------
    values
        What parts the items, shape (n,): strings, truth values, or numbers.  More than 20 different
        numbers are cut into quantiles.
    quantiles
        How many.
    rng, level, n_resamples
        As in `evaluate`.

    Returns
    -------
    tuple
        Name and value of each stratum: strings in alphabetical order, numbers from low to high, and
        last, as ``missing``, the items whose value is nan or ``None``.  Every item is in one of them.
        The intervals hold for each stratum on its own, not for all of them at once.

    Raises
    ------
    ValueError
        As `evaluate` does; names the stratum.
    """
    if values.shape != (predictions.n,):
        raise ValueError(f"strata of shape {values.shape} for {predictions.n} items")
    chosen = find_metric(metric) if isinstance(metric, str) else metric
    # Whatever is wrong is said with rows of the whole test set.
    evaluate(chosen, predictions, rng=None, level=level)
    names, ids = strata(values, quantiles=quantiles)
    # Sorted once, the rows of each stratum lie together.
    order = np.argsort(ids, kind="stable")
    parts = np.split(order, np.searchsorted(ids[order], np.arange(1, len(names))))
    out = []
    for name, rows in zip(names, parts, strict=True):
        part = predictions.take(rows, scores="scores" in chosen.needs)
        try:
            value = evaluate(chosen, part, rng=rng, level=level, n_resamples=n_resamples)
        except ValueError as error:
            raise ValueError(f"stratum {name}: {error}") from error
        out.append((name, value))
    return tuple(out)


def strata(values: npt.NDArray[Any], *, quantiles: int = 5) -> tuple[tuple[str, ...], IntArray]:
    """Names of the strata, and the stratum of each item, shape (n,).

    Equal numbers share a quantile, so there may be fewer quantiles than asked for, of unequal size;
    the names give the lowest and the highest number in each.
    """
    if quantiles < 2:
        raise ValueError(f"{quantiles} quantile(s) part nothing")
    absent = _absent(values)
    known = values[~absent]
    # Objects may all be numbers; dates as plain values would be.
    known = known.astype(str) if known.dtype.kind in "mM" else np.asarray(known.tolist())
    if known.dtype.kind in "iuf":
        names, known_ids = _number_strata(known, quantiles)
    else:
        unique, known_ids = np.unique(known.astype(str), return_inverse=True)
        names = tuple(unique.tolist())
    ids = np.full(len(values), len(names), dtype=np.int64)
    ids[~absent] = known_ids
    return ((*names, _MISSING) if absent.any() else names), ids


def _absent(values: npt.NDArray[Any]) -> BoolArray:
    if values.dtype.kind == "O":
        return np.array([value is None or _is_nan(value) for value in values.tolist()], dtype=bool)
    missing = np.isnan(values) if values.dtype.kind in "fmM" else np.zeros(len(values), bool)
    return np.asarray(missing)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and np.isnan(value)


def _text(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.6g}"


def _number_strata(
    numbers: FloatArray | IntArray, quantiles: int
) -> tuple[tuple[str, ...], IntArray]:
    unique, ids, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if len(unique) <= MAX_NUMBERS:
        names = [_text(number) for number in unique.tolist()]
        # Two strata of one name would be taken for one.
        alike = len(set(names)) < len(names)
        return tuple(map(str, unique.tolist()) if alike else names), ids
    # The middle rank of each number says in which quantile it lies with all its equals.
    middle = 2 * counts.cumsum() - counts
    used, of_unique = np.unique(middle * quantiles // (2 * len(numbers)), return_inverse=True)
    names = []
    for place in range(len(used)):
        ends = unique[of_unique == place][[0, -1]].tolist()
        names.append(f"quantile {place + 1} of {len(used)}: {' to '.join(map(_text, ends))}")
    return tuple(names), np.asarray(of_unique[ids], dtype=np.int64)
