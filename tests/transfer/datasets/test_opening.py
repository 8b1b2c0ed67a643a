"""What comes out of opening: parts in one class space, split as asked, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fakes.image_samples import make_image_folder, write

from freshset.core.errors import DataError, UsageError
from freshset.core.records import AcceptSets
from freshset.datasets import registry
from freshset.datasets.arrays import ArrayReader
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.registry import open_testset
from freshset.transfer.datasets import opening
from freshset.transfer.datasets.base import Division, TransferDataset
from freshset.transfer.datasets.opening import open_dataset, with_seed
from freshset.transfer.protocol import Splitting

OWN = Splitting()
HELD = Splitting(official=False, share=0.25)


def arrays(folder: Path, name: str, labels: list[int], **options: object) -> TestSetRef:
    """Vectors whose first number is that of their item in the file, whose second is the label."""
    x = np.stack([np.arange(len(labels)), labels], axis=1).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{name}.npz", x=x, y=np.array(labels))
    return TestSetRef(f"x/{name}", "arrays", str(folder / f"{name}.npz"), options)


@pytest.fixture
def official(tmp_path: Path) -> TransferDataset:
    return TransferDataset(
        "x",
        "X",
        "top1",
        train=arrays(tmp_path, "train", [0, 1, 2] * 8),
        validation=arrays(tmp_path, "val", [2, 1, 0] * 4),
        test=arrays(tmp_path, "test", [0, 1, 1, 2]),
    )


def test_official_parts_are_taken_as_they_are(official: TransferDataset) -> None:
    found = open_dataset(official, OWN, seed=0)
    assert found.official
    assert [len(part) for part in (found.train, found.validation, found.test)] == [24, 12, 4]
    assert found.class_names == ("0", "1", "2")
    assert found.validation.targets.tolist() == [2, 1, 0] * 4
    assert not found.multilabel
    assert found.notes == ()


def test_without_official_ones_training_and_validation_items_are_split_anew(
    official: TransferDataset,
) -> None:
    found = open_dataset(official, HELD, seed=0)
    assert not found.official
    assert (len(found.train), len(found.validation)) == (27, 9)
    assert np.bincount(found.validation.targets).tolist() == [3, 3, 3]
    read = [
        (int(row), found.train.reader.read(int(row))[1])
        for part in (found.train, found.validation)
        for row in part.rows
    ]
    assert sorted(row for row, _ in read) == list(range(36))
    targets = np.concatenate([found.train.targets, found.validation.targets])
    assert [label for _, label in read] == targets.tolist()


def test_a_validation_set_is_held_out_by_seed_and_the_test_set_stays(
    official: TransferDataset,
) -> None:
    declared = replace(official, validation=None)
    first, again, other = (open_dataset(declared, OWN, seed) for seed in (1, 1, 2))
    assert not first.official
    assert len(first.validation) == 5
    np.testing.assert_array_equal(first.validation.rows, again.validation.rows)
    assert not np.array_equal(first.validation.rows, other.validation.rows)
    assert first.test.fingerprint == other.test.fingerprint
    assert first.train.fingerprint == again.train.fingerprint != other.train.fingerprint
    assert not set(first.train.rows) & set(first.validation.rows)


def test_another_seed_needs_no_opening(official: TransferDataset, tmp_path: Path) -> None:
    ref = arrays(tmp_path, "all", [0, 1, 1] * 20)
    divided = TransferDataset("x", "X", "top1", ref, ref, division=Division())
    for declared, splitting in (
        (replace(official, validation=None), OWN),
        (official, HELD),
        (divided, Splitting(stratified=False)),
    ):
        again = with_seed(open_dataset(declared, splitting, 1), splitting, 2)
        fresh = open_dataset(declared, splitting, 2)
        for one, two in ((again.train, fresh.train), (again.validation, fresh.validation)):
            np.testing.assert_array_equal(one.rows, two.rows)
            np.testing.assert_array_equal(one.targets, two.targets)
        assert again.train.fingerprint == fresh.train.fingerprint
        assert again.notes == fresh.notes
    same = open_dataset(official, OWN, 1)
    assert with_seed(same, OWN, 2) is same


def test_one_set_is_divided_by_its_own_seed(tmp_path: Path) -> None:
    ref = arrays(tmp_path, "all", [0, 1] * 20)
    declared = TransferDataset("x", "X", "top1", ref, ref, division=Division(per_class=5, seed=7))
    found, other = open_dataset(declared, OWN, 0), open_dataset(declared, OWN, 1)
    assert np.bincount(found.test.targets).tolist() == [15, 15]
    np.testing.assert_array_equal(found.test.rows, other.test.rows)
    assert len(found.train) + len(found.validation) == 10
    assert found.train.reader is found.test.reader
    assert found.notes == (
        "training set: 5 images of each class, drawn with seed 7; test set: the rest",
    )
    moved = replace(declared, division=Division(share=0.5))
    assert len(open_dataset(moved, OWN, 0).test) == 20
    with pytest.raises(DataError, match="X, test set: 2 classes have fewer than 30 images"):
        open_dataset(replace(declared, division=Division(per_class=30)), OWN, 0)


def test_classes_are_matched_by_key(tmp_path: Path) -> None:
    """A test folder that has not all classes, or one more, has other numbers for them."""
    declared = folders(tmp_path, train="ant bee cow", test="cow bee")
    found = open_dataset(declared, OWN, 0)
    assert found.class_names == ("ant", "bee", "cow")
    ids = found.test.reader.testset.ids[found.test.rows]
    assert [found.class_names[t] for t in found.test.targets] == [i.split("/")[0] for i in ids]
    more = open_dataset(folders(tmp_path / "2", train="bee cow", test="ant cow"), OWN, 0)
    assert more.class_names == ("bee", "cow", "ant")
    assert "'ant' is in the test set but not in the training set" in more.notes[0]
    with pytest.raises(
        DataError, match="test has no class of the training set; its first is 'emu'"
    ):
        open_dataset(folders(tmp_path / "3", train="bee cow", test="emu fox"), OWN, 0)


def folders(root: Path, **parts: str) -> TransferDataset:
    refs = {}
    for start, (name, classes) in enumerate(parts.items()):
        for letter in classes.split():
            for number in range(10):
                data = bytes([start]) + f"{letter}{number}".encode()  # never decoded
                write(root / name, f"{letter}/{number + 100 * start}.png", data)
        refs[name] = TestSetRef(f"x/{name}", "image-folder", str(root / name))
    return TransferDataset("x", "X", "top1", **refs)


def test_sizes_are_checked_before_anything_is_held_out(official: TransferDataset) -> None:
    right = {"train": 24, "validation": 12, "test": 4, "classes": 3}
    for splitting in (OWN, HELD):
        assert open_dataset(replace(official, expected=right), splitting, 0).notes == ()
    wrong = replace(official, expected=right | {"test": 5, "train": 20})
    with pytest.raises(DataError, match="24 training images, 20 are expected; 4 of 5 test images"):
        open_dataset(wrong, OWN, 0)
    assert len(open_dataset(replace(wrong, allow_sizes=True), OWN, 0).notes) == 2


def test_a_set_cannot_be_its_own_test_set(tmp_path: Path) -> None:
    ref = make_image_folder(tmp_path)
    with pytest.raises(DataError, match="train and test have the same items"):
        open_dataset(TransferDataset("x", "X", "top1", ref, ref), OWN, 0)


def test_too_few_to_hold_any_out(tmp_path: Path) -> None:
    refs = [arrays(tmp_path, name, [0, 1]) for name in ("train", "test")]
    with pytest.raises(DataError, match="X, validation set: 20% of 2 items cannot be held out"):
        open_dataset(TransferDataset("x", "X", "top1", *refs), OWN, 0)


def test_texts_are_refused(tmp_path: Path, official: TransferDataset) -> None:
    write(tmp_path, "t.csv", b"text,label\none,a\ntwo,b\n")
    ref = TestSetRef("x/text", "text", str(tmp_path / "t.csv"))
    with pytest.raises(UsageError, match="test has text items for classification"):
        open_dataset(replace(official, test=ref), OWN, 0)
    images = make_image_folder(tmp_path / "i")
    with pytest.raises(UsageError, match="test has image items, train has array items"):
        open_dataset(replace(official, test=images), OWN, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(ArrayReader):
    ignored: AcceptSets


def test_items_that_show_several_classes(
    official: TransferDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each item shows its label and the next class; of the first it does not count whether it
    shows the last."""

    def several(ref: TestSetRef) -> Reader:
        reader = open_testset(ref)
        labels = reader.testset.known_labels.tolist()
        accepted = AcceptSets.of([[label, (label + 1) % 3] for label in labels])
        ignored = AcceptSets.of([[2], *([] for _ in labels[1:])])
        known = {
            name: getattr(reader, name)
            for name in (
                "classes",
                "item",
                "reading",
                "origin",
                "path",
                "key",
                "modified",
                "layout",
            )
        }
        return Several(testset=replace(reader.testset, accepted=accepted), ignored=ignored, **known)

    monkeypatch.setattr(opening, "open_testset", several)
    found = open_dataset(replace(official, metric="map11"), OWN, 0)
    assert found.multilabel
    assert found.train.targets[:2].tolist() == [[True, True, False], [False, True, True]]
    assert found.train.ignored is not None
    assert np.argwhere(found.train.ignored).tolist() == [[0, 2]]
    pooled = open_dataset(replace(official, metric="map11"), HELD, 0)
    both = [pooled.train, pooled.validation]
    assert sum(int(part.ignored.sum()) for part in both if part.ignored is not None) == 2
    with pytest.raises(UsageError, match="show several classes, which top1 does not measure"):
        open_dataset(official, OWN, 0)


def test_one_class_an_item_can_be_ranked_too(official: TransferDataset) -> None:
    found = open_dataset(replace(official, metric="map11"), OWN, 0)
    np.testing.assert_array_equal(found.test.targets, np.eye(3, dtype=bool)[[0, 1, 1, 2]])
    assert found.test.ignored is None
    assert registry.ADAPTERS  # the readers are those of every other command


def test_tables_of_images_that_show_several(tmp_path: Path) -> None:
    """From a csv to the decisions that a probe learns: the tags of one's own photographs."""
    refs = {}
    for part, tags in (("train", ["cat;dog", "cat", "dog", ""] * 3), ("test", ["dog", "cat"])):
        lines = ["path,tags"]
        for row, tag in enumerate(tags):
            write(tmp_path / part, f"{part}{row}.jpg", b"never decoded")
            lines.append(f"{part}{row}.jpg,{tag}")
        write(tmp_path / part, "table.csv", "\n".join(lines).encode())
        options = {"labels": "tags", "separator": ";"}
        refs[part] = TestSetRef(
            f"x/{part}", "manifest", str(tmp_path / part / "table.csv"), options
        )
    declared = TransferDataset("x", "X", "map11", train=refs["train"], test=refs["test"])
    found = open_dataset(declared, OWN, 0)
    assert found.class_names == ("cat", "dog")
    assert found.test.targets.tolist() == [[False, True], [True, False]]
    learned = np.concatenate([found.train.targets, found.validation.targets])
    assert learned.sum(axis=0).tolist() == [6, 6]
    assert (len(found.train), len(found.validation)) == (10, 2)
