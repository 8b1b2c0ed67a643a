from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from freshset.core.errors import DataError, UsageError
from freshset.models.torch_products import TorchMaker
from freshset.replication.duplicates import neighbours as module
from freshset.replication.duplicates.neighbours import Nearest, nearest
from freshset.replication.duplicates.products import NumpyProducts


def brute(queries: np.ndarray, references: np.ndarray, k: int) -> Nearest:
    """By the explicit difference in float64, the lower number first among equals."""
    references = references.astype(np.float64)
    rows = [np.square(references - query).sum(axis=1) for query in queries.astype(np.float64)]
    distances = np.array(rows)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return Nearest(order, np.take_along_axis(distances, order, axis=1))


def same(found: Nearest, expected: Nearest) -> bool:
    close = np.allclose(found.distances, expected.distances, rtol=1e-12, atol=0)
    return np.array_equal(found.indices, expected.indices) and close


CASES = {
    "pixels": lambda r: (r.integers(0, 256, (50, 300), np.uint8), r.integers(0, 256, (3000, 300), np.uint8)),
    "black and white": lambda r: (
        r.integers(0, 2, (20, 4001), np.uint8) * 255, r.integers(0, 2, (2000, 4001), np.uint8) * 255
    ),
    "bytes with many ties": lambda r: (
        r.integers(0, 3, (40, 5), np.uint8), r.integers(0, 3, (2000, 5), np.uint8)
    ),
    "copies of few pictures": lambda r: (
        r.integers(0, 256, (9, 300), np.uint8), r.integers(0, 256, (3, 300), np.uint8).repeat(900, 0)
    ),
    "far from zero": lambda r: (
        r.normal(1000, 1, (50, 64)).astype(np.float32), r.normal(1000, 1, (5000, 64)).astype(np.float32)
    ),
    "float64 far from zero": lambda r: (r.normal(1e6, 1, (50, 64)), r.normal(1e6, 1, (5000, 64))),
    "all equal": lambda r: (np.ones((20, 5)), np.ones((3000, 5))),
    "many ties": lambda r: (r.integers(0, 3, (40, 4)), r.integers(0, 3, (2000, 4))),
    "some far out": lambda r: (
        r.normal(0, 1, (20, 5)), np.concatenate([r.normal(0, 1, (3000, 5)), r.normal(0, 1e5, (300, 5))])
    ),
    "tiny": lambda r: (r.normal(0, 1e-20, (20, 5)), r.normal(0, 1e-20, (3000, 5))),
    "huge": lambda r: (r.normal(0, 1e100, (20, 5)), r.normal(0, 1e100, (3000, 5))),
    "ever nearer": lambda r: (np.zeros((9, 3)), np.linspace(100, 1, 3000)[:, None] * np.ones(3)),
    "half precision": lambda r: (
        r.normal(0, 1, (20, 9)).astype(np.float16), r.normal(0, 1, (999, 9)).astype(np.float16)
    ),
    "truth values": lambda r: (r.random((9, 30)) < 0.5, r.random((600, 30)) < 0.5),
    "fewer than k": lambda r: (r.normal(0, 1, (4, 3)), r.normal(0, 1, (7, 3))),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("memory", [module.MEMORY, 1 << 17])
def test_neighbours_are_exact(case: str, memory: int, rng: np.random.Generator) -> None:
    queries, references = CASES[case](rng)
    found = nearest(queries, references, 30, memory=memory)
    assert same(found, brute(queries, references, 30))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_torch_finds_the_same(case: str, half: bool, whole: bool, rng: np.random.Generator) -> None:
    queries, references = CASES[case](rng)
    products = TorchMaker("cpu", half=half, whole=whole)
    found = nearest(queries, references, 7, memory=1 << 20, products=products)
    assert same(found, brute(queries, references, 7))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_neighbour_is_lost_whatever_the_numbers(data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 6))
    # Near-duplicates far from zero are what a float32 product gets wrong.  Powers of two, so that
    # float64 itself has nothing to round and ties are ties.
    base = data.draw(st.sampled_from([0.0, 1.0, 2.0**14, -(2.0**25)]))
    step = data.draw(st.sampled_from([2.0**-20, 2.0**-10, 1.0, 2.0**13]))
    numbers = st.integers(-4, 4)
    queries = base + step * data.draw(arrays(np.float64, (3, d), elements=numbers))
    references = base + step * data.draw(arrays(np.float64, (300, d), elements=numbers))
    k = data.draw(st.integers(1, 9))
    expected = brute(queries, references, k)
    for products in (NumpyProducts, TorchMaker("cpu", half=True)):
        found = nearest(queries, references, k, memory=1 << 14, products=products)
        assert same(found, expected)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whole_products_give_exactly_what_float64_gives(data: st.DataObject) -> None:
    d, k = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    levels = st.sampled_from([0, 1, 127, 128, 129, 254, 255])
    queries = data.draw(arrays(np.uint8, (3, d), elements=levels))
    references = data.draw(arrays(np.uint8, (300, d), elements=levels))
    whole = TorchMaker("cpu", whole=True)
    found = nearest(queries, references, k, memory=1 << 14, products=whole)
    expected = brute(queries, references, k)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.distances, expected.distances)


@pytest.mark.parametrize(
    ("products", "width"), [(NumpyProducts, 1e-3), (TorchMaker("cpu", half=True), 0.1)]
)
def test_the_bounds_hold_on_both_sides(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, products, width: float
) -> None:
    """Every distance lies between what the float32 product says at least and at most."""
    queries = rng.normal(5, 3, (30, 200))
    references = np.concatenate(
        [rng.normal(5, 3, (500, 200)), queries + rng.normal(0, 1e-4, (30, 200))]
    )
    exact = np.square(queries[:, None, :] - references[None, :, :]).sum(axis=2)
    seen = []
    real = module._Kept.add

    def add(self, rows, ids, lower, upper):
        assert (lower <= exact[rows, ids]).all()
        assert (upper >= exact[rows, ids]).all()
        assert (upper - lower < width * (exact[rows, ids] + 1e3)).all()
        seen.append(len(rows))
        real(self, rows, ids, lower, upper)

    monkeypatch.setattr(module._Kept, "add", add)
    found = nearest(queries, references, len(references), products=products)
    assert same(found, brute(queries, references, len(references)))
    assert sum(seen) == exact.size


def test_distances_of_near_duplicates_do_not_cancel(rng: np.random.Generator) -> None:
    import faiss

    references = rng.integers(0, 256, (500, 3072)).astype(np.float32)
    queries = references[:5].copy()
    queries[:, 7] += 1
    found = nearest(queries, references, 2)
    assert (found.distances[:, 0] == 1).all()
    index = faiss.IndexFlatL2(3072)
    index.add(references)
    # More than 20 queries make faiss use the product, as nearly every search does.
    distances, _ = index.search(np.repeat(queries, 10, axis=0), 1)
    assert np.abs(distances - 1).max() > 1


@pytest.mark.parametrize(
    ("queries", "references", "message"),
    [
        (np.zeros((3, 4)), np.zeros((3, 5)), "Queries have 4 dimensions, references 5"),
        (np.full((3, 4), np.nan), np.zeros((3, 4)), "queries: row 0 holds NaN"),
        (np.zeros(4), np.zeros((3, 4)), "queries: an array of shape"),
        (np.zeros((3, 4)), np.zeros((3, 4), complex), "references: an array of shape"),
    ],
)
def test_bad_vectors_are_refused(queries: np.ndarray, references: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        nearest(queries, references, 2)


def test_a_bad_row_beyond_the_sample_is_named(rng: np.random.Generator) -> None:
    references = rng.normal(size=(5000, 4))
    references[3001, 2] = np.inf
    with pytest.raises(DataError, match="references: row 3,001 holds NaN or infinity"):
        nearest(references[:3], references, 2)
    references[3001, 2] = 1e30
    with pytest.raises(DataError, match=r"numbers of row 3,001 are too large"):
        nearest(references[:3], references, 2)


def test_nothing_to_do(rng: np.random.Generator) -> None:
    assert nearest(np.zeros((0, 3)), np.zeros((5, 3)), 2).indices.shape == (0, 2)
    assert nearest(np.zeros((4, 3)), np.zeros((0, 3)), 2).indices.shape == (4, 0)
    with pytest.raises(UsageError, match="0 nearest"):
        nearest(np.zeros((4, 3)), np.zeros((4, 3)), 0)
