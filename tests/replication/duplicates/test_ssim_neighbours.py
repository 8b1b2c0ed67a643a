from __future__ import annotations

import numpy as np
import pytest
from fakes.pictures import discs, jpeg
from PIL import Image

from freshset.core.errors import DataError
from freshset.replication.duplicates.ssim import ssim
from freshset.replication.duplicates.ssim_neighbours import ssim_pairs

MOST = 0.2205


def changed(pixels: np.ndarray, tmp_path) -> list[np.ndarray]:
    picture = Image.fromarray(pixels)
    (tmp_path / "low.jpg").write_bytes(jpeg(pixels, 30))
    side = len(pixels)
    return [
        np.asarray(Image.open(tmp_path / "low.jpg")),
        np.asarray(picture.crop((3, 3, side - 3, side - 3)).resize(picture.size)),
        np.asarray(picture.crop((12, 12, side - 12, side - 12)).resize(picture.size)),
        np.roll(pixels, 2, axis=0),
        np.clip(pixels * 1.2, 0, 255).astype(np.uint8),
        pixels[:, ::-1],
    ]


@pytest.mark.parametrize("memory", [1 << 31, 1 << 20])
def test_all_pairs_up_to_the_distance_are_found(
    memory: int, rng: np.random.Generator, tmp_path
) -> None:
    queries = np.stack([discs(rng, 128) for _ in range(6)])
    references = np.stack(
        [discs(rng, 128) for _ in range(30)]
        + [image for query in queries for image in changed(query, tmp_path)]
    )
    found = ssim_pairs(queries, references, MOST, memory=memory)
    exact = np.array([[(1 - ssim(a, b)) / 2 for b in references] for a in queries])
    assert set(zip(found.queries, found.references, strict=True)) == set(
        map(tuple, np.argwhere(exact <= MOST))
    )
    assert np.allclose(found.distances, exact[found.queries, found.references], atol=1e-12)
    order = list(zip(found.queries, found.distances, found.references, strict=True))
    assert order == sorted(order)
    assert len(order) >= 18
    assert found.examined < exact.size / 2


def test_equal_and_constant_pictures(rng: np.random.Generator) -> None:
    grey = np.full((40, 40, 3), 100, np.uint8)
    images = np.stack([grey, grey, grey + 1, grey * 0])
    found = ssim_pairs(images, images, 0.01)
    assert (set(found.references[found.queries == 0])) == {0, 1, 2}
    assert list(found.references[found.queries == 3]) == [3]


def test_nothing_to_compare() -> None:
    none, one = np.zeros((0, 40, 40, 3), np.uint8), np.zeros((1, 40, 40, 3), np.uint8)
    assert not ssim_pairs(none, one, MOST).queries.size
    assert not ssim_pairs(one, none, MOST).queries.size


def test_sizes_must_agree() -> None:
    one, other = np.zeros((1, 40, 40, 3), np.uint8), np.zeros((1, 50, 40, 3), np.uint8)
    with pytest.raises(DataError, match="Resize them to one size"):
        ssim_pairs(one, other, MOST)
    with pytest.raises(DataError, match="references: an array of shape"):
        ssim_pairs(one, one[:, :20], MOST)
