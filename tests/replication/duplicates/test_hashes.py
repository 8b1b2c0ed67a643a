from __future__ import annotations

import sys

import imagehash
import numpy as np
import pytest
from fakes.pictures import discs
from PIL import Image

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.replication.duplicates.hashes import hamming_nearest, perceptual_hash


def test_hashes_are_those_of_imagehash(rng: np.random.Generator) -> None:
    picture = Image.fromarray(discs(rng))
    expected = imagehash.phash(picture)
    mine = perceptual_hash(picture)
    assert (mine.dtype, mine.shape) == (np.uint8, (8,))
    assert mine.tobytes().hex() == str(expected)
    other = Image.fromarray(discs(rng))
    bits = np.bitwise_count(mine ^ perceptual_hash(other)).sum()
    assert bits == expected - imagehash.phash(other)


@pytest.mark.parametrize("width", [8, 3, 16])
def test_nearest_hashes_are_exact(width: int, rng: np.random.Generator) -> None:
    queries = rng.integers(0, 256, (20, width), np.uint8)
    references = rng.integers(0, 4, (300, width), np.uint8)
    bits = np.bitwise_count(queries[:, None] ^ references[None]).sum(axis=2)
    order = np.argsort(bits, axis=1, kind="stable")
    for k in (1, 7, 300, 1000):
        found = hamming_nearest(queries, references, k)
        assert np.array_equal(found.indices, order[:, :k])
        assert np.array_equal(found.distances, np.take_along_axis(bits, order, 1)[:, :k])


def test_bad_hashes(rng: np.random.Generator) -> None:
    with pytest.raises(DataError, match="same hash"):
        hamming_nearest(np.zeros((2, 8), np.uint8), np.zeros((2, 4), np.uint8), 1)
    with pytest.raises(DataError, match="same hash"):
        hamming_nearest(np.zeros((2, 8)), np.zeros((2, 8), np.uint8), 1)
    with pytest.raises(UsageError, match="0 nearest"):
        hamming_nearest(np.zeros((2, 8), np.uint8), np.zeros((2, 8), np.uint8), 0)
    assert hamming_nearest(
        np.zeros((2, 8), np.uint8), np.zeros((0, 8), np.uint8), 3
    ).indices.shape == (2, 0)


def test_without_imagehash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagehash", None)
    with pytest.raises(MissingExtraError, match=r"freshset\[testset\]"):
        perceptual_hash(Image.new("RGB", (8, 8)))
