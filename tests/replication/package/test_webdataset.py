from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from freshset.datasets.base import TestSetRef
from freshset.datasets.registry import open_testset
from freshset.replication.package.base import Contents
from freshset.replication.package.image_folder import classes_csv
from freshset.replication.package.webdataset import write_shards


def test_samples_are_sorted_and_have_no_time_nor_owner(contents: Contents, tmp_path: Path) -> None:
    write_shards(contents, tmp_path, per_shard=3)
    paths = sorted((tmp_path / "shards").iterdir())
    assert [path.name for path in paths] == [f"part-00000{k}.tar" for k in range(3)]
    names = []
    for path in paths:
        with tarfile.open(path) as tar:
            for entry in tar:
                names.append(entry.name)
                assert (entry.mtime, entry.uid, entry.gid, entry.uname) == (0, 0, 0, "")
    assert len(names) == 24
    assert [name for name in names if name.endswith(".cls")] == [
        f"{image.item_id}.cls" for image in contents.images
    ]


def test_two_runs_give_the_same_bytes(contents: Contents, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_shards(contents, tmp_path / name)
    a, b = (tmp_path / name / "shards" / "part-000000.tar" for name in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()


def test_freshset_reads_the_shards(contents: Contents, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    write_shards(contents, tmp_path, per_shard=3)
    (tmp_path / "classes.csv").write_text(classes_csv(contents), encoding="utf-8")
    options = {"classes": "classes.csv"}
    ref = TestSetRef(
        "x", "webdataset", str(tmp_path / "shards" / "part-*.tar"), options, root=tmp_path
    )
    reader = open_testset(ref)
    labels = dict(zip(reader.testset.ids, reader.testset.known_labels.tolist(), strict=True))
    assert labels == {image.item_id: image.of.label for image in contents.images}
    assert reader.read(7).size == (10, 12)


def test_what_is_told_of_an_image_lies_beside_it(contents: Contents, tmp_path: Path) -> None:
    write_shards(contents, tmp_path)
    image = contents.images[0]
    with tarfile.open(tmp_path / "shards" / "part-000000.tar") as tar:
        told = tar.extractfile(f"{image.item_id}.json")
        assert told is not None
        assert json.loads(told.read())["class_key"] == image.of.key
        data = tar.extractfile(f"{image.item_id}.{image.suffix}")
        assert data is not None
        assert data.read() == image.source.read_bytes()
