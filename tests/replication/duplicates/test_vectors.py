from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from freshset.core.errors import DataError
from freshset.replication.duplicates.embedders import PerceptualHash, Pixels
from freshset.replication.duplicates.vectors import update_vectors


class Loader:
    """Pictures of one colour each, and a note of which were asked for."""

    def __init__(self, *broken: str) -> None:
        self.asked: list[str] = []
        self.broken = broken

    def __call__(self, item: str, from_copy: bool) -> Image.Image:
        what = item + "'" * from_copy
        self.asked.append(what)
        if what in self.broken:
            raise DataError(f"{what} is damaged.")
        return Image.new("RGB", (4, 4), (ord(item), 0, 0))


def colours(folder: Path, ids: str, load: Loader, side: int = 2) -> list[int]:
    (found,) = update_vectors(folder, [Pixels(f"pixels{side}", side)], list(ids), load)
    assert list(found.ids) == sorted(ids)
    assert found.record["embedder"] == f"pixels{side}"
    return [int(row[0]) for row in found.rows[0 : len(ids)]]


def test_each_image_is_read_once(tmp_path: Path) -> None:
    load = Loader()
    assert colours(tmp_path, "db", load) == [ord("b"), ord("d")]
    assert colours(tmp_path, "bd", load) == [ord("b"), ord("d")]
    assert colours(tmp_path, "abcde", load) == [ord(one) for one in "abcde"]
    assert sorted(load.asked) == list("abcde")
    assert colours(tmp_path, "ce", load) == [ord("c"), ord("e")]
    assert len(load.asked) == 5
    assert colours(tmp_path, "ce", load, side=3) == [ord("c"), ord("e")]
    assert len(load.asked) == 7


def test_metrics_share_what_is_read(tmp_path: Path) -> None:
    embedders = [Pixels("pixels2", 2), PerceptualHash(), Pixels("pixels3", 3)]
    colours(tmp_path, "bd", Loader())
    load = Loader()
    made = update_vectors(tmp_path, embedders, list("abd"), load)
    # Images that one metric has are read for the others; files of both kinds once each.
    assert sorted(load.asked) == ["a", "a'", "b", "b'", "d", "d'"]
    assert [one.record["embedder"] for one in made] == ["pixels2", "phash", "pixels3"]
    assert [one.rows.shape for one in made] == [(3, 12), (3, 8), (3, 27)]
    for found in (made[0], made[2]):
        assert [int(row[0]) for row in found.rows[0:3]] == [ord(one) for one in "abd"]
    load = Loader("e'")
    with pytest.raises(DataError, match=r"^e' is damaged\. Restore"):
        update_vectors(tmp_path, embedders, list("abde"), load)
    again = update_vectors(tmp_path, embedders[::-1], list("abd"), Loader(*"abd"))
    for one, other in zip(made, again[::-1], strict=True):
        assert np.array_equal(one.rows[0:3], other.rows[0:3])


def test_shards_that_start_together_read_each_image_once(tmp_path: Path) -> None:
    load = Loader()
    start = threading.Barrier(4)

    def shard(_: int) -> list[int]:
        start.wait()
        return colours(tmp_path, "abcde", load)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shard, range(4))) == [[ord(one) for one in "abcde"]] * 4
    assert sorted(load.asked) == list("abcde")


def test_more_than_a_batch(tmp_path: Path) -> None:
    class Numbers(Loader):
        def __call__(self, item: str, from_copy: bool) -> Image.Image:
            return Image.new("RGB", (1, 1), (int(item) % 256, int(item) // 256, 0))

    ids = [f"{i:04d}" for i in range(0, 600, 2)]
    update_vectors(tmp_path, [Pixels("pixels1", 1)], ids, Numbers())
    ids = [f"{i:04d}" for i in range(600)]
    (found,) = update_vectors(tmp_path, [Pixels("pixels1", 1)], ids, Numbers())
    rows = found.rows[0:600].astype(int)
    assert np.array_equal(rows[:, 0] + 256 * rows[:, 1], np.arange(600))


def test_images_that_cannot_be_read_are_counted_and_nothing_is_lost(tmp_path: Path) -> None:
    colours(tmp_path, "ab", Loader())
    with pytest.raises(DataError, match=r"c is damaged\. 1 more cannot be read either") as error:
        colours(tmp_path, "abcde", Loader("c", "e"))
    assert "freshset testset blacklist" in error.value.hint
    load = Loader()
    assert colours(tmp_path, "ab", load) == [ord("a"), ord("b")]
    assert not load.asked
    assert not list(tmp_path.rglob("*.new"))


@pytest.mark.parametrize("name", ["rows.npy", "ids.txt", "record.json"])
def test_what_was_damaged_is_made_again(tmp_path: Path, name: str) -> None:
    colours(tmp_path, "ab", Loader())
    path = tmp_path / "pixels2" / name
    path.write_bytes(path.read_bytes()[:-3])
    load = Loader()
    assert colours(tmp_path, "ab", load) == [ord("a"), ord("b")]
    assert sorted(load.asked) == ["a", "b"]
