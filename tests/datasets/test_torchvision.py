from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.image_samples import (
    LABELS,
    N,
    idx,
    make_image_folder,
    make_qmnist,
    make_torchvision,
    picture,
    ref,
    write,
)
from torchvision import datasets

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.datasets.base import TestSetRef
from freshset.datasets.torchvision import ADAPTER

NAMES = ["airplane", "automobile", "bird"]


def make_cifar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TestSetRef:
    """CIFAR-10 as its owners pickled it.  torchvision unpickles only what has the checksums of the
    published files, so a smaller one needs others."""
    rows = [np.asarray(picture(row, (32, 32))).transpose(2, 0, 1).reshape(-1) for row in range(N)]
    batch = {"data": np.stack(rows), "labels": LABELS}
    base = folder / "cifar-10-batches-py"
    digests = {}
    for name, content in {"test_batch": batch, "batches.meta": {"label_names": NAMES}}.items():
        data = pickle.dumps(content)
        write(base, name, data)
        digests[name] = hashlib.md5(data).hexdigest()
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", digests["test_batch"]]])
    meta = {**datasets.CIFAR10.meta, "md5": digests["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return ref("torchvision", folder, name="CIFAR10")


def test_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = make_cifar(tmp_path, monkeypatch)
    reader = ADAPTER.open(given)
    assert reader.classes is not None
    assert reader.classes.keys == tuple(NAMES)
    assert reader.testset.known_labels.tolist() == LABELS
    assert not reader.testset.ids_given
    for row in range(N):
        assert np.array_equal(np.asarray(reader.read(row)), np.asarray(picture(row, (32, 32))))
    named = replace(
        given, options={"name": "CIFAR10", "classes": ["bird", "automobile", "airplane"]}
    )
    assert ADAPTER.open(named).testset.known_labels.tolist() == [2 - label for label in LABELS]
    path = tmp_path / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(
        UsageError, match="torchvision finds no CIFAR10 in .* not found or corrupted"
    ):
        ADAPTER.open(given)


def test_mnist(tmp_path: Path) -> None:
    reader = ADAPTER.open(make_torchvision(tmp_path))
    assert reader.testset.known_labels.tolist() == LABELS
    assert reader.testset.n_classes == 10
    grey = np.asarray(picture(3, (28, 28)).convert("L"))
    assert np.array_equal(np.asarray(reader.read(3)), np.repeat(grey[..., None], 3, axis=2))
    assert "MNIST train=False" in reader.reading


def test_splits_are_flags_or_values(tmp_path: Path) -> None:
    given = make_torchvision(tmp_path)
    images = np.zeros((5, 28, 28), dtype=np.uint8)
    write(tmp_path / "MNIST" / "raw", "train-images-idx3-ubyte", idx(images))
    write(tmp_path / "MNIST" / "raw", "train-labels-idx1-ubyte", idx(images[:, 0, 0]))
    train = replace(given, options={"name": "MNIST", "split": "train"})
    assert ADAPTER.open(train).testset.n == 5
    with pytest.raises(UsageError, match="split is 'val'") as caught:
        ADAPTER.open(replace(given, options={"name": "MNIST", "split": "val"}))
    assert "'train' and 'test'" in caught.value.hint
    qmnist = make_qmnist(tmp_path)
    assert "QMNIST what=test " in ADAPTER.open(qmnist).reading
    rest = ADAPTER.open(replace(qmnist, options={"name": "QMNIST", "split": "test10k"}))
    assert "what=test10k" in rest.reading
    with pytest.raises(UsageError, match="tset"):
        ADAPTER.open(replace(qmnist, options={"name": "QMNIST", "split": "tset"}))
    with pytest.raises(UsageError, match="FakeData has no splits"):
        ADAPTER.open(ref("torchvision", tmp_path, name="FakeData", split="test"))


def test_declared_classes_of_as_many(tmp_path: Path) -> None:
    """MNIST calls its classes '0 - zero'."""
    given = make_torchvision(tmp_path)
    reader = ADAPTER.open(replace(given, options={"name": "MNIST", "classes": 10}))
    assert reader.classes is not None
    assert reader.classes.keys == tuple("0123456789")
    assert reader.testset.known_labels.tolist() == LABELS


def test_files_have_their_paths_as_ids(tmp_path: Path) -> None:
    root = make_image_folder(tmp_path).path
    reader = ADAPTER.open(ref("torchvision", root, name="ImageFolder"))
    assert reader.testset.ids_given
    assert reader.testset.ids[0] == "n01440764/img_00.jpg"
    assert sorted(reader.testset.known_labels.tolist()) == sorted(LABELS)
    assert "bytes=sizes:" in reader.reading
    broken = Path(root) / "n01440764" / "img_00.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    reader = ADAPTER.open(ref("torchvision", root, name="ImageFolder", arguments={}))
    with pytest.raises(DataError, match=r"n01440764/img_00\.jpg: cannot be decoded"):
        reader.read(0)


def test_data_sets_that_say_nothing_are_read_through(tmp_path: Path) -> None:
    arguments = {"size": 6, "image_size": [3, 64, 64], "num_classes": 4}
    given = ref("torchvision", tmp_path, name="FakeData", arguments=arguments)
    reader = ADAPTER.open(given)
    data = datasets.FakeData(size=6, image_size=(3, 64, 64), num_classes=4)
    assert reader.testset.known_labels.tolist() == [int(data[row][1]) for row in range(6)]
    assert np.array_equal(np.asarray(reader.read(5)), np.asarray(data[5][0]))
    other = replace(given, options={**given.options, "arguments": arguments | {"num_classes": 3}})
    assert ADAPTER.open(other).reading != reader.reading


class Odd(datasets.VisionDataset):
    """Three items of what a test says."""

    items: tuple[object, ...] = (picture(0), picture(1), picture(2))
    marks: tuple[object, ...] = (1, 0, 2)
    targets = (1, 1, 1)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[object, object]:
        return self.items[index], self.marks[index]


def odd(folder: Path, monkeypatch: pytest.MonkeyPatch, **has: object) -> TestSetRef:
    monkeypatch.setattr(datasets, "FakeData", type("Odd", (Odd,), has))
    return ref("torchvision", folder, name="FakeData")


def test_labels_that_do_not_agree_with_the_items_are_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reader = ADAPTER.open(odd(tmp_path, monkeypatch))
    assert reader.testset.known_labels.tolist() == [1, 0, 2]


def test_items_that_are_no_images_of_one_class_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for marks in (("a cat", "a dog", "a horse"), ({"box": 1},) * 3, (None,) * 3):
        with pytest.raises(DataError, match="the targets of the data set are no class ids"):
            ADAPTER.open(odd(tmp_path, monkeypatch, marks=marks))
    with pytest.raises(DataError, match="1: a ndarray, not an image"):
        ADAPTER.open(odd(tmp_path, monkeypatch, items=(picture(0), np.zeros(3), picture(2))))


def test_what_torchvision_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="torchvision has no data set 'CIFAR1O'") as caught:
        ADAPTER.open(ref("torchvision", tmp_path, name="CIFAR1O"))
    assert "'CIFAR10'" in caught.value.hint
    with pytest.raises(UsageError, match="torchvision has no data set ''") as caught:
        ADAPTER.open(ref("torchvision", tmp_path))
    assert "'name'" in caught.value.hint
    with pytest.raises(UsageError, match="torchvision's MNIST takes no 'size'"):
        ADAPTER.open(ref("torchvision", tmp_path, name="MNIST", arguments={"size": 3}))
    with pytest.raises(UsageError, match="torchvision's MNIST takes no 'download'"):
        ADAPTER.open(ref("torchvision", tmp_path, name="MNIST", arguments={"download": True}))
    with pytest.raises(UsageError, match="there is no file or folder"):
        ADAPTER.open(ref("torchvision", tmp_path / "gone", name="MNIST"))


def test_what_is_not_there_is_fetched_only_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def download(self: datasets.MNIST) -> None:
        asked.append(str(self.root))
        make_torchvision(tmp_path)

    monkeypatch.setattr(datasets.MNIST, "download", download)
    given = ref("torchvision", tmp_path, name="MNIST")
    with pytest.raises(UsageError, match="torchvision finds no MNIST in") as caught:
        ADAPTER.open(given)
    assert "download: true" in caught.value.hint
    wanted = replace(given, options={"name": "MNIST", "download": True})
    with pytest.raises(UsageError, match="torchvision finds no MNIST in"):
        ADAPTER.open(replace(wanted, offline=True))
    assert asked == []
    assert ADAPTER.open(wanted).testset.n == N
    assert asked == [str(tmp_path)]
    fake = ref("torchvision", tmp_path, name="FakeData", download=True)
    with pytest.raises(UsageError, match="torchvision cannot download FakeData"):
        ADAPTER.open(fake)


def test_a_download_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    given = ref("torchvision", tmp_path, name="MNIST", download=True)
    with pytest.raises(UsageError, match="finds no MNIST in .*Error downloading"):
        ADAPTER.open(given)


def test_data_that_change_are_another_reading(tmp_path: Path) -> None:
    given = make_torchvision(tmp_path)
    old = ADAPTER.open(given)
    old.read(0)
    path = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    before = sha256_file(path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert sha256_file(path) != before
    new = ADAPTER.open(given)
    assert new.reading != old.reading
    assert np.asarray(new.read(N - 1))[-1, -1, 0] == ord("x")
