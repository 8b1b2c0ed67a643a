from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fakes.image_samples import (
    CLASSES,
    LABELS,
    N,
    encoded,
    make_webdataset,
    picture,
    ref,
    shard,
    shards,
    write,
)

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.webdataset import ADAPTER

JPEG = encoded(picture(0))


def one(folder: Path, *members: tuple[str, object], **options: object) -> TestSetRef:
    parts = [
        (name, data if isinstance(data, bytes) else json.dumps(data).encode())
        for name, data in members
    ]
    return ref("webdataset", write(folder, "v.tar", shard(parts)), **options)


def check(reader: Reader) -> None:
    """All twelve pictures, read in any order by a copy as a worker process gets it."""
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.testset.known_labels.tolist() == LABELS
    for row in (11, 0, 5):
        image = np.asarray(copy.read(row)).astype(int)
        assert np.abs(image - np.asarray(picture(row))).mean() < 8


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for number, data in enumerate(shards()):
        system.pipe(f"/bucket/val-{number:03}.tar", data)
    yield "memory://bucket/val-{000..002}.tar"
    system.rm("/bucket", recursive=True)


def test_shards_in_another_file_system(memory: str) -> None:
    reader = ADAPTER.open(TestSetRef("a", "webdataset", memory, {"classes": list(CLASSES)}))
    check(reader)
    globbed = memory.replace("{000..002}", "*")
    other = ADAPTER.open(TestSetRef("a", "webdataset", globbed, {"classes": list(CLASSES)}))
    assert other.testset.fingerprint == reader.testset.fingerprint
    assert other.reading == reader.reading


def test_where_shards_are_changes_no_identity(memory: str, tmp_path: Path) -> None:
    here = ADAPTER.open(make_webdataset(tmp_path))
    there = ADAPTER.open(TestSetRef("a", "webdataset", memory, {"classes": list(CLASSES)}))
    assert here.reading == there.reading
    assert here.testset.fingerprint == there.testset.fingerprint


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, object]]:
    """The real S3 protocol, spoken by a server in this process."""
    # Neither is a dependency of freshset: s3fs is its extra 's3', moto is for this test only.
    pytest.importorskip("s3fs", reason="the extra 's3' is not installed")
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield {"endpoint_url": f"http://{host}:{port}", "key": "x", "secret": "y"}
    running.stop()


def test_shards_in_s3(s3: dict[str, object]) -> None:
    system = fsspec.filesystem("s3", **s3)
    system.mkdir("bucket")
    for number, data in enumerate(shards()):
        system.pipe(f"bucket/val-{number:03}.tar", data)
    options = {"classes": list(CLASSES), "storage_options": s3}
    given = TestSetRef("a", "webdataset", "s3://bucket/val-{000..002}.tar", options)
    check(ADAPTER.open(given))
    globbed = replace(given, path="s3://bucket/val-*.tar")
    assert ADAPTER.open(globbed).reading == ADAPTER.open(given).reading
    with pytest.raises(UsageError, match=r"There is no shard s3://bucket/val-003\.tar"):
        ADAPTER.open(replace(given, path="s3://bucket/val-{000..003}.tar"))
    with pytest.raises(UsageError, match="s3://bucket/.* is remote, and the run is offline"):
        ADAPTER.open(replace(given, offline=True))
    reader = ADAPTER.open(given)
    system.rm("bucket/val-001.tar")
    with pytest.raises(DataError, match=r"s3://bucket/val-001\.tar: cannot be read"):
        reader.read(5)


def test_a_store_that_cannot_be_reached_is_an_error_with_a_hint() -> None:
    pytest.importorskip("s3fs", reason="the extra 's3' is not installed")
    storage = {"endpoint_url": "http://127.0.0.1:9", "key": "x", "secret": "y"}
    storage["config_kwargs"] = {"retries": {"max_attempts": 1}, "connect_timeout": 1}
    given = TestSetRef(
        "a", "webdataset", "s3://bucket/v.tar", {"storage_options": storage | {"use_ssl": False}}
    )
    with pytest.raises(UsageError, match=r"s3://bucket/v\.tar: cannot be asked for") as caught:
        ADAPTER.open(given)
    assert "storage_options" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "members"),
    [
        ({}, [("a.jpg", JPEG), ("a.cls", b"1\n"), ("b.jpg", JPEG), ("b.cls", b"0\n")]),
        ({}, [("a.jpg", JPEG), ("a.json", {"label": 1}), ("b.jpg", JPEG), ("b.json", 0)]),
        (
            {"labels": "gold"},
            [
                ("a.jpg", JPEG), ("a.json", {"label": 7, "gold": 1}),
                ("b.jpg", JPEG), ("b.json", {"label": 7, "gold": 0}),
            ],
        ),
        (
            {"classes": ["cat", "dog"]},
            [("a.jpg", JPEG), ("a.cls", b"dog"), ("b.jpg", JPEG), ("b.cls", b"cat")],
        ),
        (
            {"images": "jpg"},
            [
                ("a.jpg", JPEG), ("a.seg.png", b""), ("a.png", b""), ("a.cls", b"1"),
                ("b.jpg", JPEG), ("b.cls", b"0"),
            ],
        ),
    ],
)  # fmt: skip
def test_labels_are_beside_the_images(
    options: dict[str, object], members: list[tuple[str, object]], tmp_path: Path
) -> None:
    reader = ADAPTER.open(one(tmp_path, *members, **options))
    assert reader.testset.ids.tolist() == ["a", "b"]
    assert reader.testset.known_labels.tolist() == [1, 0]
    assert reader.read(1).size == (80, 64)


def test_fields_may_be_ids_and_strata(tmp_path: Path) -> None:
    options = {"ids": "name", "strata": ["year"]}
    members = [
        (f"{key}.{kind}", data)
        for key, year in (("a", 1998), ("b", 2012))
        for kind, data in (("jpg", JPEG), ("json", {"label": 0, "name": key * 3, "year": year}))
    ]
    testset = ADAPTER.open(one(tmp_path, *members, **options)).testset
    assert testset.ids.tolist() == ["aaa", "bbb"]
    assert testset.strata["year"].tolist() == [1998, 2012]
    with pytest.raises(UsageError, match="no field 'yeer' in the json files") as caught:
        ADAPTER.open(one(tmp_path, *members, strata="yeer"))
    assert "'year'" in caught.value.hint


def test_names_that_two_shards_share_get_that_of_the_shard(tmp_path: Path) -> None:
    for name in ("v-0", "v-1"):
        write(tmp_path, f"{name}.tar", shard([("a.jpg", JPEG), ("a.cls", b"0")]))
    reader = ADAPTER.open(ref("webdataset", tmp_path / "v-{0..1}.tar"))
    assert reader.testset.ids.tolist() == ["v-0/a", "v-1/a"]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("a.jpg", JPEG)], r"v\.tar: a: no label"),
        ([("a.jpg", JPEG), ("a.json", {"x": 1})], r"v\.tar: a: no label"),
        ([("a.cls", b"0")], r"v\.tar: a: 0 images among cls"),
        ([("a.jpg", JPEG), ("a.png", JPEG), ("a.cls", b"0")], "2 images among jpg, png, cls"),
        ([("a.jpg", JPEG), ("a.json", b"{")], r"a\.json: not valid JSON"),
        ([("a.txt", b"x")], "no items"),
        ([], "no items"),
    ],
)
def test_samples_that_are_no_items_are_refused(
    members: list[tuple[str, object]], why: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=why):
        ADAPTER.open(one(tmp_path, *members))


def test_files_of_no_use_are_counted(tmp_path: Path) -> None:
    members = [("README", b"x"), ("a.jpg", JPEG), ("a.cls", b"0"), ("a.txt", b"a cat")]
    reader = ADAPTER.open(one(tmp_path, *members))
    assert reader.testset.n == 1
    assert reader.notes == ("2 files of the shards belong to no image",)


def test_reading_sees_sizes_and_on_demand_content(tmp_path: Path) -> None:
    def reading(image: bytes, **options: object) -> str:
        return ADAPTER.open(one(tmp_path, ("a.jpg", image), ("a.cls", b"0"), **options)).reading

    other = JPEG[:-1] + b"x"
    assert reading(JPEG) == reading(other)
    assert reading(JPEG, content=True) != reading(other, content=True)
    assert reading(JPEG) != reading(JPEG + b"x")


def test_a_damaged_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    reader = ADAPTER.open(one(tmp_path, ("a.jpg", JPEG[:300]), ("a.cls", b"0")))
    with pytest.raises(DataError, match=r"v\.tar: a: the image is truncated"):
        reader.read(0)


def test_an_index_may_be_kept(tmp_path: Path) -> None:
    given = make_webdataset(tmp_path)
    kept = replace(given, options={**given.options, "index": "val.index.json"})
    first = ADAPTER.open(kept)
    assert (tmp_path / "val.index.json").exists()
    again = ADAPTER.open(kept)
    assert again.testset.n == N
    assert again.reading == first.reading == ADAPTER.open(given).reading
    check(again)
