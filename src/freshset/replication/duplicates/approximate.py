"""Approximate neighbours by a faiss index, for pools that exact search takes too long for.

Distances are exact all the same: what the index proposes is measured again in float64.  What it misses
nobody sees, so an approximate search proves nothing complete, and the share of neighbours that it finds is
estimated from a sample of queries that are searched exactly as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from freshset.core.errors import MissingExtraError, UsageError
from freshset.replication.duplicates.neighbours import Nearest, nearest, squared_distances
from freshset.replication.duplicates.rows import Chosen, Rows, check_finite

_BLOCK = 8192
_TRAINING_ROWS_PER_LIST = 40


@dataclass(frozen=True, slots=True)
class Approximate:
    """What an approximate search found.

    Attributes
    ----------
    nearest
        As `freshset.replication.duplicates.neighbours.nearest` gives them, without those it missed;
        -1 and infinity where it found fewer.
    recall, recall_se
        Mean share of a query's true neighbours that were found, over the sample, and its standard error.
    """

    nearest: Nearest
    recall: float
    recall_se: float


def approximate_nearest(
    queries: Rows,
    references: Rows,
    k: int,
    *,
    probes: int = 32,
    sample: int = 200,
    rng: np.random.Generator,
) -> Approximate:
    """Find most of the k nearest references of every query.

    The index is ``IVF,SQ8``: references are dealt into about 4 sqrt(m) lists around centres, their
    numbers kept in 8 bits; a query looks into the nearest lists.  It proposes 4 k references.

    Parameters
    ----------
    queries, references
        Shapes (n, d) and (m, d).
    probes
        Lists that a query looks into.
    sample
        Queries whose neighbours are also found exactly.
    rng
        Draws that sample and what the index is trained on.

    Raises
    ------
    MissingExtraError
        When faiss is not installed.
    UsageError
        When there are no queries or references.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError(
            "Approximate search needs faiss, which is not installed.",
            'Install it: pip install "freshset[faiss]"',
        ) from error
    (n, d), m = queries.shape, references.shape[0]
    if not n or not m:
        raise UsageError("There is nothing to search.", "Give queries and references.")
    lists = max(1, min(round(4 * math.sqrt(m)), m // _TRAINING_ROWS_PER_LIST))
    index = faiss.index_factory(d, f"IVF{lists},SQ8")
    some = np.sort(rng.choice(m, min(m, lists * _TRAINING_ROWS_PER_LIST), replace=False))
    training = references[some]
    check_finite(training, some, "references")
    index.train(np.ascontiguousarray(training, dtype=np.float32))
    for start in range(0, m, _BLOCK):
        block = references[start : start + _BLOCK]
        check_finite(block, start, "references")
        index.add(np.ascontiguousarray(block, dtype=np.float32))
    index.nprobe = min(probes, lists)
    k = min(k, m)
    out = Nearest(np.full((n, k), -1, np.intp), np.full((n, k), np.inf))
    for start in range(0, n, _BLOCK):
        block = queries[start : start + _BLOCK]
        check_finite(block, start, "queries")
        found = index.search(np.ascontiguousarray(block, dtype=np.float32), min(4 * k, m))[1]
        for row, (query, proposed) in enumerate(zip(block, found, strict=True), start):
            ids = np.sort(proposed[proposed >= 0]).astype(np.intp)
            distances = squared_distances(query.astype(np.float64), references[ids])
            best = np.lexsort((ids, distances))[:k]
            out.indices[row, : len(best)], out.distances[row, : len(best)] = (
                ids[best],
                distances[best],
            )
    drawn = np.sort(rng.choice(n, min(n, sample), replace=False))
    true = nearest(Chosen(queries, drawn), references, k)
    pairs = zip(true.indices, out.indices[drawn], strict=True)
    shares = np.array([np.isin(one, got).mean() for one, got in pairs])
    se = float(shares.std(ddof=1) / math.sqrt(len(shares))) if len(shares) > 1 else math.nan
    return Approximate(out, float(shares.mean()), se)
