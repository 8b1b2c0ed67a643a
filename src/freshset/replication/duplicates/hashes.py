"""Perceptual hashes, and the images whose hashes differ in the fewest bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.replication.duplicates.neighbours import Nearest
from freshset.replication.duplicates.rows import Rows

BITS = 64
_PAIRS_AT_ONCE = 1 << 24


def perceptual_hash(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Hash a picture: signs of its 64 lowest frequencies against their median, as ImageHash does it.

    Returns
    -------
    uint8, shape (8,): 64 bits.

    Raises
    ------
    MissingExtraError
        When ImageHash is not installed.
    """
    try:
        import imagehash
    except ImportError as error:
        raise MissingExtraError(
            "Perceptual hashes need ImageHash, which is not installed.",
            'Install it: pip install "freshset[testset]"',
        ) from error
    return np.packbits(np.asarray(imagehash.phash(image).hash, dtype=np.bool_).reshape(-1))


def hamming_nearest(queries: Rows, references: Rows, k: int) -> Nearest:
    """Find the k references whose hashes differ from a query's in the fewest bits, exactly.

    Parameters
    ----------
    queries, references
        uint8, shapes (n, bytes) and (m, bytes).

    Raises
    ------
    DataError
        When the hashes are not bytes of one length.
    UsageError
        When k is less than 1.
    """
    if k < 1:
        raise UsageError(f"{k} nearest neighbours cannot be kept.", "Ask for at least one.")
    for rows in (queries, references):
        if rows.dtype != np.uint8 or len(rows.shape) != 2 or rows.shape[1] != queries.shape[1]:
            raise DataError(
                f"Hashes of shapes {queries.shape} and {references.shape}.",
                "Compute both with the same hash.",
            )
    (n, _), m = queries.shape, references.shape[0]
    k = min(k, m)
    out = Nearest(np.empty((n, k), np.intp), np.empty((n, k)))
    if not k or not n:
        return out
    words = _words(references[0:m])
    step = max(1, _PAIRS_AT_ONCE // m)
    for start in range(0, n, step):
        some = _words(queries[start : start + step])
        bits = np.zeros((len(some), m), np.uint16)
        for mine, theirs in zip(some.T, words.T, strict=True):
            bits += np.bitwise_count(mine[:, None] ^ theirs[None, :])
        here = slice(start, start + len(some))
        out.indices[here], out.distances[here] = _least(bits, k)
    return out


def _least(
    bits: npt.NDArray[np.uint16], k: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint16]]:
    """Columns of the k smallest numbers of each row, the lower column first among equals."""
    # One number of bits and column; there are no equal ones, so that a partition is an answer.
    m = bits.shape[1]
    keys = bits.astype(np.int64) * m + np.arange(m)
    if k < m:
        keys = np.partition(keys, k - 1, axis=1)[:, :k]
    keys.sort(axis=1)
    columns = keys % m
    return columns, (keys // m).astype(np.uint16)


def _words(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    lacking = -hashes.shape[1] % 8
    padded = np.pad(hashes, ((0, 0), (0, lacking)))
    return np.ascontiguousarray(padded).view(np.uint64)
