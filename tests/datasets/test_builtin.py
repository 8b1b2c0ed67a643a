"""The catalogue, and its sets opened in small fakes of their published layout."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.core.identifiers import KNOWN_TESTSETS, canonical_testset
from freshset.core.spaces import known_space
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.builtin import Entry, builtin, entries, resolve
from freshset.datasets.mappings import find_mapping
from freshset.datasets.registry import ADAPTERS, open_testset
from freshset.datasets.relabel import open_relabelled

ALL = pytest.mark.parametrize("entry", entries().values(), ids=list(entries()))


def opened(ref: TestSetRef) -> Reader:
    return open_relabelled(ref, open_testset)


@ALL
def test_every_entry_is_whole(entry: Entry) -> None:
    assert canonical_testset(entry.id) == entry.id
    assert entry.adapter in ADAPTERS.entries()
    for name in ("title", "layout", "licence", "source", "citation"):
        assert getattr(entry, name), name
    assert entry.n >= 2_000
    assert entry.downloads
    for key in ("classes", "subset"):
        assert entry.options.get(key, entry.classes) == entry.classes
    for file in entry.downloads:
        assert file.url.startswith(("https://", "http://"))
        assert len(file.md5) in {0, 32}
        assert len(file.sha256) in {0, 64}
        assert bool(file.checked) == bool(file.md5 or file.sha256 or file.bytes)


@ALL
def test_every_entry_says_how_imagenet_models_are_scored_on_it(entry: Entry) -> None:
    if len(entry.space) == 10:
        return
    found = find_mapping(entry.mapping, known_space("imagenet-1k"), entry.space)
    assert (found is None) == (entry.classes == "imagenet-1k")
    if found is not None:
        with pytest.raises(UsageError, match="mapping"):
            find_mapping("", known_space("imagenet-1k"), entry.space)


def test_what_core_knows_of_test_sets_agrees() -> None:
    for id, known in KNOWN_TESTSETS.items():
        entry = builtin(id)
        assert (entry.n, len(entry.space), entry.title) == (known.n, known.n_classes, known.title)


def test_the_issue_names_these() -> None:
    assert set(entries()) == {
        "cifar10/test", "cifar10.1/v4", "cifar10.1/v6",
        "imagenet/val", "imagenet/real", "imagenet/a", "imagenet/r", "imagenet/sketch",
        "imagenetv2/matched-frequency", "imagenetv2/threshold-0.7", "imagenetv2/top-images",
        "objectnet/overlap", "mnist/test", "qmnist/test", "qmnist/test-50k",
    }  # fmt: skip


def test_names_aliases_and_misspellings() -> None:
    for name, id in {
        "imagenetv2-b-33": "imagenetv2/matched-frequency",
        "imagenet-a": "imagenet/a",
        "imagenet-sketch": "imagenet/sketch",
        "imagenet": "imagenet/val",
        "cifar10": "cifar10/test",
    }.items():
        assert builtin(name).id == id
    with pytest.raises(UsageError, match="No built-in test set 'imagenetv2-topimages'") as caught:
        builtin("imagenetv2-topimages")
    assert "imagenetv2/top-images" in caught.value.hint


def test_options_of_ones_own_win_and_tables_merge(tmp_path: Path) -> None:
    ref = resolve("imagenet/real", tmp_path, {"accept": "real.json", "licence": "mine"})
    assert ref.options["accept"]["file"] == "real.json"
    assert ref.options["accept"]["sha256"].startswith("d83e9bff")
    assert ref.options["licence"] == "mine"
    assert ref.options["expected_n"] == 46_837
    ref = resolve("imagenet/real", tmp_path, {"accept": {"file": "r.json", "sha256": ""}})
    assert ref.options["accept"] == {"ids": "ILSVRC2012_val_{:08d}", "sha256": "", "file": "r.json"}
    assert "expected_n" not in resolve("imagenet/val", tmp_path, {"expected_n": None}).options
    # What is merged is a copy: the catalogue stays as it is.
    assert "file" not in builtin("imagenet/real").options["accept"]


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


# Fakes are smaller than the real sets, and have no image in most classes.
SMALL: dict[str, Any] = {"expected_n": None, "allow_empty": True}


def test_imagenetv2_folders_are_class_ids_in_number_order(tmp_path: Path) -> None:
    for number in (0, 2, 10, 999):
        picture(tmp_path / str(number) / f"{number:x}.jpeg")
    reader = opened(resolve("imagenetv2/matched-frequency", tmp_path, SMALL))
    by_id = dict(zip(reader.testset.ids, reader.testset.known_labels.tolist(), strict=True))
    assert by_id == {"0/0.jpeg": 0, "2/2.jpeg": 2, "10/a.jpeg": 10, "999/3e7.jpeg": 999}
    assert reader.classes == known_space("imagenet-1k")
    with pytest.raises(DataError, match="4 items, not the 10,000"):
        opened(resolve("imagenetv2/matched-frequency", tmp_path, {"allow_empty": True}))


def test_imagenet_a_has_its_200_classes(tmp_path: Path) -> None:
    space = known_space("imagenet-a")
    for wnid in (space.keys[0], space.keys[199]):
        picture(tmp_path / wnid / "0.001_a.jpg")
    (tmp_path / "README.txt").write_text("as in the archive")
    ref = resolve("imagenet-a", tmp_path, SMALL)
    reader = opened(ref)
    assert reader.testset.known_labels.tolist() == [0, 199]
    assert (reader.testset.n_classes, ref.mapping) == (200, "restrict")
    picture(tmp_path / "n01440764" / "x.jpg")  # a tench, which is none of the 200
    with pytest.raises(DataError, match="'n01440764' is no class of imagenet-a"):
        opened(ref)


def test_real_takes_the_images_of_val_and_its_own_labels(tmp_path: Path) -> None:
    space = known_space("imagenet-1k")
    for number, wnid in ((1, space.keys[65]), (2, space.keys[970]), (3, space.keys[230])):
        picture(tmp_path / "val" / wnid / f"ILSVRC2012_val_{number:08d}.JPEG", number)
    (tmp_path / "real.json").write_text(json.dumps([[65], [], [230, 231]]))
    table = {"file": "real.json", "sha256": sha256_file(tmp_path / "real.json")}
    ref = resolve("imagenet/real", tmp_path / "val", SMALL | {"accept": table}, root=tmp_path)
    reader = opened(ref)
    assert reader.testset.id == "imagenet/real"
    accepted = reader.testset.accepted
    assert accepted is not None
    by_id = {
        item.rpartition("/")[2]: accepted.classes[
            accepted.offsets[i] : accepted.offsets[i + 1]
        ].tolist()
        for i, item in enumerate(reader.testset.ids)
    }
    assert by_id == {
        "ILSVRC2012_val_00000001.JPEG": [65],
        "ILSVRC2012_val_00000003.JPEG": [230, 231],
    }
    assert reader.read(0).size == (8, 8)
    with pytest.raises(DataError, match="the SHA-256 is"):
        opened(
            resolve(
                "imagenet/real", tmp_path / "val", SMALL | {"accept": "real.json"}, root=tmp_path
            )
        )
    with pytest.raises(UsageError, match="accept names no file"):
        opened(resolve("imagenet/real", tmp_path / "val", SMALL, root=tmp_path))


def test_objectnet_keeps_the_classes_of_imagenet(tmp_path: Path) -> None:
    for folder in (*known_space("objectnet").keys, "air_freshener", "webcam"):
        picture(tmp_path / folder / f"{folder}.png")
    ref = resolve("objectnet/overlap", tmp_path, {"expected_n": 113})
    reader = opened(ref)
    assert (reader.testset.n, reader.testset.n_classes, ref.mapping) == (113, 113, "objectnet")
    assert reader.classes is not None
    for item, label in zip(reader.testset.ids, reader.testset.known_labels, strict=True):
        assert item.startswith(reader.classes.keys[label] + "/")
    with pytest.raises(DataError, match="113 items, not the 18,574"):
        opened(replace(ref, options={**ref.options, "expected_n": 18_574}))


def fake_cifar10_1(folder: Path, labels: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    images = np.random.default_rng(1).integers(0, 255, (len(labels), 32, 32, 3), dtype=np.uint8)
    np.save(folder / "cifar10.1_v6_data.npy", images)
    np.save(folder / "cifar10.1_v6_labels.npy", labels)


def test_cifar10_1_is_two_arrays(tmp_path: Path) -> None:
    fake_cifar10_1(tmp_path, np.array([3, 9, 0], np.int32))
    small = {"expected_n": None, "sha256": None}
    for path in (tmp_path, tmp_path / "cifar10.1_v6_data.npy"):
        reader = opened(resolve("cifar10.1", path, small))
        assert reader.testset.id == "cifar10.1/v6"
        assert reader.testset.known_labels.tolist() == [3, 9, 0]
        assert reader.testset.class_names[3] == "cat"
        assert reader.read(1).size == (32, 32)
    # The published checksum is on guard unless it is taken away.
    with pytest.raises(DataError, match="the SHA-256 is .*, not 2997188e"):
        opened(resolve("cifar10.1", tmp_path))


@pytest.mark.shared_data
def test_cifar10_1_labels_are_those_that_were_published(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "cifar10.1" / "datasets" / "cifar10.1_v6_labels.npy"
    (published,) = (d for d in builtin("cifar10.1/v6").downloads if "labels" in d.url)
    assert sha256_file(file) == published.sha256
    assert file.stat().st_size == published.bytes
    fake_cifar10_1(tmp_path, np.load(file))
    reader = opened(resolve("cifar10.1/v6", tmp_path, {"sha256": None}))
    assert np.bincount(reader.testset.known_labels).tolist() == [200] * 10


@pytest.mark.shared_data
def test_real_json_is_the_one_that_was_published(shared_data: Path) -> None:
    (published,) = builtin("imagenet/real").downloads
    file = shared_data / "real" / "real.json"
    assert (sha256_file(file), file.stat().st_size) == (published.sha256, published.bytes)
    assert sum(bool(sets) for sets in json.loads(file.read_text())) == builtin("imagenet/real").n


@pytest.fixture(scope="module")
def torchvision_sets() -> Any:
    return pytest.importorskip("torchvision.datasets", reason="the extra is not installed")


def test_torchvision_publishes_the_same_checksums(torchvision_sets: Any) -> None:
    theirs = {
        "cifar-10-python.tar.gz": torchvision_sets.CIFAR10.tgz_md5,
        **dict(torchvision_sets.MNIST.resources),
        **dict(torchvision_sets.QMNIST.resources["test"]),
    }
    ours = {
        d.url: d.md5
        for name in ("cifar10/test", "mnist/test", "qmnist/test", "qmnist/test-50k")
        for d in builtin(name).downloads
    }
    for url, md5 in ours.items():
        assert md5 == (theirs.get(url) or theirs[url.rpartition("/")[2]])


def idx(path: Path, values: np.ndarray) -> None:
    """A file in the format of MNIST: type and number of axes, sizes, big-endian values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {"u1": 8, "i4": 12}[values.dtype.str[1:]]
    head = np.array([kind << 8 | values.ndim, *values.shape], ">i4")
    path.write_bytes(head.tobytes() + values.astype(values.dtype.newbyteorder(">")).tobytes())


def test_mnist_in_the_folder_of_torchvision(tmp_path: Path, torchvision_sets: Any) -> None:
    raw = tmp_path / "MNIST" / "raw"
    for part in ("t10k", "train"):
        idx(
            raw / f"{part}-images-idx3-ubyte", np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28)
        )
        idx(raw / f"{part}-labels-idx1-ubyte", np.array([7, 2, 1], np.uint8))
    reader = opened(resolve("mnist/test", tmp_path, {"expected_n": None}))
    assert reader.testset.known_labels.tolist() == [7, 2, 1]
    assert reader.classes == known_space("digits")
    assert reader.read(0).getpixel((5, 0)) == (5, 5, 5)


def test_the_lost_digits_are_the_last_of_qmnist(tmp_path: Path, torchvision_sets: Any) -> None:
    raw = tmp_path / "QMNIST" / "raw"
    n = 10_003
    labels = np.zeros((n, 8), np.int32)
    labels[:, 0] = np.arange(n) % 10
    idx(raw / "qmnist-test-images-idx3-ubyte", np.zeros((n, 28, 28), np.uint8))
    idx(raw / "qmnist-test-labels-idx2-int", labels)
    lost = opened(resolve("qmnist/test-50k", tmp_path, {"expected_n": 3}))
    assert lost.testset.known_labels.tolist() == [0, 1, 2]
    whole = opened(resolve("qmnist/test", tmp_path, {"expected_n": n}))
    assert whole.testset.n == n


def test_cifar10_in_the_folder_of_torchvision(
    tmp_path: Path, torchvision_sets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    names = list(known_space("cifar-10").keys)
    pixels = np.zeros((2, 3072), np.uint8)
    pixels[1, :1024] = 200  # all red comes first
    for name, content in {
        "test_batch": {"data": pixels, "labels": [3, 8]},
        "batches.meta": {"label_names": names},
    }.items():
        (folder / name).write_bytes(pickle.dumps(content))
    # torchvision would refuse a fake by its checksums, and asks for the training files too.
    listed = [["test_batch", hashlib.md5((folder / "test_batch").read_bytes()).hexdigest()]]
    meta = hashlib.md5((folder / "batches.meta").read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision_sets.CIFAR10, "test_list", listed)
    monkeypatch.setattr(torchvision_sets.CIFAR10, "train_list", [])
    monkeypatch.setattr(
        torchvision_sets.CIFAR10, "meta", torchvision_sets.CIFAR10.meta | {"md5": meta}
    )
    reader = opened(resolve("cifar10", tmp_path, {"expected_n": 2}))
    assert reader.testset.known_labels.tolist() == [3, 8]
    assert reader.testset.class_names[8] == "ship"
    assert reader.read(1).getpixel((0, 0)) == (200, 0, 0)
