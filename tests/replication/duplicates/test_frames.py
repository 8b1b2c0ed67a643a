from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from freshset.models.torch_products import TorchMaker
from freshset.replication.duplicates.frames import frame_of
from freshset.replication.duplicates.products import NumpyProducts
from freshset.replication.duplicates.rounding import SPARE, Bfloat16, Float32, Whole

ALL = TorchMaker("cpu", half=True, whole=True)


@pytest.mark.parametrize(
    ("dtypes", "d", "products", "kind"),
    [
        (("u1", "u1"), 12, ALL, Whole),
        (("u1", "u1"), 12, TorchMaker("cpu", half=True), Bfloat16),
        (("u1", "f4"), 12, ALL, Bfloat16),
        (("i1", "i1"), 12, ALL, Bfloat16),
        (("u1", "u1"), Whole.DIMENSIONS + 1, ALL, Bfloat16),
        (("u1", "u1"), 12, NumpyProducts, Float32),
    ],
)
def test_numbers_follow_from_vectors_and_who_multiplies(dtypes, d: int, products, kind) -> None:
    queries, references = (np.ones((2, d), dtype) for dtype in dtypes)
    with ThreadPoolExecutor(1) as pool:
        assert type(frame_of(queries, references, products, pool).bounds) is kind


def test_bytes_keep_their_differences(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (4000, 30), dtype=np.uint8)
    with ThreadPoolExecutor(2) as pool:
        frame = frame_of(pixels, pixels, ALL, pool)
        out, norms, lost = frame.queries(pixels, slice(10, 3990))
    assert out.dtype == np.int8
    assert np.array_equal(out.astype(int), pixels[10:3990].astype(int) - 128)
    assert np.array_equal(np.rint(norms**2), np.square(out.astype(int)).sum(axis=1))
    assert not lost.any()


def test_floats_are_put_about_their_mean(rng: np.random.Generator) -> None:
    rows = rng.normal(1000, 1, (500, 20)).astype(np.float32)
    with ThreadPoolExecutor(2) as pool:
        frame = frame_of(rows, rows, NumpyProducts, pool)
        out, norms, lost = frame.references(rows, slice(0, 500))
    assert (out.shape, frame.scale) == ((500, 20 + SPARE), 1)
    assert np.abs(out[:, :20]).max() < 10
    assert np.allclose(norms, np.linalg.norm(out[:, :20].astype(float), axis=1))
    assert not lost.any()
