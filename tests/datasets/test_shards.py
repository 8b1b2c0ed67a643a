from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fakes.image_samples import encoded, shard, shards, write
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from PIL import Image

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.datasets.shards import expand, find_shards, is_remote, read_range, scan_shards

STORE: dict[str, bytes] = {}
FETCHED: list[tuple[int, int]] = []


class CountedFile(AbstractBufferedFile):
    def _fetch_range(self, start: int, end: int) -> bytes:
        FETCHED.append((start, end))
        return STORE[self.path][start:end]


class Counted(AbstractFileSystem):
    """A file system with ranges that counts what it is asked for."""

    protocol = "counted"
    cachable = False

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        if path not in STORE:
            raise FileNotFoundError(path)
        return {"name": path, "size": len(STORE[path]), "type": "file", "tag": hash(STORE[path])}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> CountedFile:
        options.pop("autocommit", None)
        return CountedFile(self, path, mode, size=len(STORE[path]), autocommit=True, **options)

    def cat_file(self, path: str, start: int, end: int, **_: Any) -> bytes:
        FETCHED.append((start, end))
        return STORE[self._strip_protocol(path)][start:end]


@pytest.fixture
def counted() -> Iterator[str]:
    fsspec.register_implementation("counted", Counted, clobber=True)
    noise = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    image = encoded(Image.fromarray(noise), "PNG")
    members = [
        (f"{row}.{kind}", data)
        for row in range(20)
        for kind, data in (("cls", b"1"), ("png", image))
    ]
    STORE["val.tar"] = shard(members)
    FETCHED.clear()
    yield "counted://val.tar"
    STORE.clear()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("a-{8..11}.tar", ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]),
        ("{a,b}/{0..1}", ["a/0", "a/1", "b/0", "b/1"]),
    ],
)
def test_braces_are_expanded_as_a_shell_does(pattern: str, expected: list[str]) -> None:
    assert expand(pattern) == expected


def test_what_needs_a_network() -> None:
    assert is_remote("s3://bucket/a.tar")
    assert is_remote("https://example.org/a.tar")
    assert not is_remote("/data/a.tar")
    assert not is_remote("memory://a.tar")
    assert not is_remote("file:///data/a.tar")


def test_shards_are_found_in_order(tmp_path: Path) -> None:
    for number in (10, 9, 11):
        write(tmp_path, f"v-{number:02}.tar", b"")
    for pattern in ("v-{09..11}.tar", "v-*.tar", "v-[01]*.tar"):
        found = find_shards(str(tmp_path / pattern), {})
        assert [url.rpartition("/")[2] for url in found] == ["v-09.tar", "v-10.tar", "v-11.tar"]
    for pattern in ("v-{09..12}.tar", "w-*.tar", "gone.tar"):
        with pytest.raises(UsageError, match="There is no shard"):
            find_shards(str(tmp_path / pattern), {})
    with pytest.raises(UsageError, match="There is no shard"):
        find_shards(str(tmp_path), {})
    with pytest.raises(UsageError, match="cannot be asked for.*Protocol not known"):
        find_shards("nonsense://a.tar", {})


def test_a_file_system_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match=r"gs://b/a\.tar needs .*gcsfs") as caught:
        find_shards("gs://b/a.tar", {})
    assert "freshset[s3]" in caught.value.hint


def test_samples_are_files_that_share_a_name(tmp_path: Path) -> None:
    members = [("dir/a.b.JPG", b"image"), ("dir/a.cls", b"7"), ("c.json", b"{}"), ("README", b"x")]
    path = write(tmp_path, "v.tar", shard(members))
    (samples,) = scan_shards([str(path)], {}, None)
    assert [sample.key for sample in samples] == ["dir/a", "c", "README"]
    assert set(samples[0].files) == {"b.jpg", "cls"}
    assert samples[0].texts == {"cls": "7"}
    offset, size = samples[0].files["b.jpg"]
    assert read_range(str(path), offset, size, {}) == b"image"


def test_long_names_and_large_numbers_of_files(tmp_path: Path) -> None:
    name = "folder/" * 30 + "a"
    path = write(tmp_path, "v.tar", shard([(f"{name}.jpg", b"1"), (f"{name}.cls", b"0")]))
    (samples,) = scan_shards([str(path)], {}, None)
    assert samples[0].key == name


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(shards()[0]), "not a whole tar file"),
        (shards()[0][:5000], "not a whole tar file"),
        (b"", "not a whole tar file"),
        (b"<html>" * 200, "not a whole tar file"),
        (shard([("a.jpg", b"1"), ("a.jpg", b"2")]), "two files are called 'a.jpg'"),
        (shard([("a.cls", b"\xff")]), "not a whole tar file"),
    ],
)
def test_damaged_shards_are_refused(data: bytes, why: str, tmp_path: Path) -> None:
    path = write(tmp_path, "v.tar", data)
    with pytest.raises(DataError, match=rf"v\.tar: {why}"):
        scan_shards([str(path)], {}, None)


def test_a_shard_that_was_cut_is_noticed_when_read(tmp_path: Path) -> None:
    path = write(tmp_path, "v.tar", shards()[0])
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"v\.tar: ends before byte 3000"):
        read_range(str(path), 1500, 1500, {})
    with pytest.raises(DataError, match=r"gone\.tar: cannot be read \(FileNotFoundError"):
        read_range(str(tmp_path / "gone.tar"), 0, 1, {})


def test_images_are_not_fetched_to_find_them(counted: str) -> None:
    (samples,) = scan_shards([counted], {}, None)
    assert len(samples) == 20
    assert {sample.texts["cls"] for sample in samples} == {"1"}
    fetched, whole = sum(end - start for start, end in FETCHED), len(STORE["val.tar"])
    assert whole > 600_000
    assert fetched < whole / 4
    assert len(FETCHED) <= 21
    FETCHED.clear()
    offset, size = samples[7].files["png"]
    assert read_range(counted, offset, size, {}).startswith(b"\x89PNG")
    assert [(offset, offset + size)] == FETCHED


def test_an_index_spares_the_next_scan(counted: str, tmp_path: Path) -> None:
    index = tmp_path / "val.index.json"
    first = scan_shards([counted], {}, index)
    FETCHED.clear()
    assert scan_shards([counted], {}, index) == first
    assert FETCHED == []
    # A shard that changed is scanned again, and its entry replaced.
    STORE["val.tar"] = shard([("z.png", b"1"), ("z.cls", b"1")])
    (again,) = scan_shards([counted], {}, index)
    assert [sample.key for sample in again] == ["z"]
    assert len(json.loads(index.read_text())["shards"]) == 1


@pytest.mark.parametrize("text", ["[]", '{"shards": []}', '{"schema": "freshset.shards/1"}'])
def test_a_file_that_is_no_index_is_left_alone(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, "v.tar", shards()[0])
    index = write(tmp_path, "index.json", text.encode())
    with pytest.raises(DataError, match=r"index\.json: not an index of shards"):
        scan_shards([str(path)], {}, index)
    index.write_text('{"schema": "other/1"}')
    with pytest.raises(UsageError, match="not an index of shards, but 'other/1'"):
        scan_shards([str(path)], {}, index)
    assert index.read_text() == '{"schema": "other/1"}'
