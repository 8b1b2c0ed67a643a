"""Bootstrap draws: which models, and how often each item, enter a resample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from freshset.stats.types import BoolArray, IntArray, as_counts

# float32 holds every whole number up to here, so sums of resampled hits are exact.
_FLOAT32_EXACT = 2**24


def model_draws(
    n_models: int, n_resamples: int, *, rng: np.random.Generator, chunk: int = 800
) -> Iterator[IntArray]:
    """Yield blocks of model indices drawn with replacement, each of shape (<= chunk, n_models).

    The draws do not depend on the size of the blocks.  Larger ones leave the processor's cache and
    make matrix products with them wake threads, which on a busy machine cost more than they save.
    """
    if n_models < 1 or n_resamples < 1:
        raise ValueError("need at least one model and one resample")
    for start in range(0, n_resamples, chunk):
        rows = min(chunk, n_resamples - start)
        yield rng.integers(0, n_models, size=(rows, n_models))


def resampled_hits(
    correct: BoolArray, n_resamples: int, *, rng: np.random.Generator, chunk: int = 256
) -> IntArray:
    """Number of correct answers of every model in shared resamples of the items.

    All models are scored on the same resampled items, so differences between models keep their
    correlation; resampling each model on its own would overstate the noise of their ranks.

    Parameters
    ----------
    correct
        Shape (models, items).
    n_resamples
        Number of resamples; each draws as many items as there are, with replacement.
    chunk
        Resamples held at a time; memory is ``chunk * items * 4`` bytes, whatever n_resamples is.

    Returns
    -------
    ndarray of int64, shape (n_resamples, models)
    """
    n_models, n_items = correct.shape
    if n_items < 1:
        raise ValueError("need at least one item")
    if n_items >= _FLOAT32_EXACT:
        raise ValueError(f"more than {_FLOAT32_EXACT} items")
    columns = np.ascontiguousarray(correct.T, dtype=np.float32)
    hits = np.empty((n_resamples, n_models), dtype=np.int64)
    start = 0
    for weights in item_draws(n_items, n_resamples, rng=rng, chunk=chunk):
        hits[start : start + len(weights)] = weights @ columns
        start += len(weights)
    return hits


def item_draws(
    n_items: int, n_resamples: int, *, rng: np.random.Generator, chunk: int = 256
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield how often each item is drawn, in blocks of shape (<= chunk, n_items).

    The draws do not depend on the size of the blocks.
    """
    for start in range(0, n_resamples, chunk):
        weights = np.empty((min(chunk, n_resamples - start), n_items), dtype=np.float32)
        for row in weights:
            row[:] = np.bincount(rng.integers(0, n_items, size=n_items), minlength=n_items)
        yield weights


def binomial_hits(
    k: npt.ArrayLike, n: npt.ArrayLike, n_resamples: int, *, rng: np.random.Generator
) -> IntArray:
    """Stand-in for `resampled_hits` where only counts are known: independent binomial draws.

    Models then err independently, which real models do not: noise of differences and of ranks is
    overstated.  Callers must say so wherever the result shows.

    Returns
    -------
    ndarray of int64, shape (n_resamples, models)
    """
    k, n = as_counts(k, n)
    return rng.binomial(np.rint(n).astype(np.int64), k / n, size=(n_resamples, k.size))
