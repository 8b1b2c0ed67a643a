"""Accept-sets, new labels and fair subsets, also against the published numbers of items."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.records import TestSet, label_ranks
from freshset.core.spaces import known_space
from freshset.datasets.base import TestSetRef
from freshset.datasets.contract import Subject, checks
from freshset.datasets.mappings import ClassMapping, find_mapping
from freshset.datasets.relabel import (
    accept,
    accept_sets_from,
    classes_of,
    open_relabelled,
    relabel,
    select,
    subset,
)
from freshset.datasets.text import ADAPTER

KEYS = ("ant", "bee", "cat", "dog")


def four() -> TestSet:
    return TestSet(
        "pets/test",
        4,
        4,
        item_ids=np.array(["x/i1.png", "x/i2.png", "y/i3.png", "y/i4.png"], dtype=object),
        labels=np.array([0, 1, 2, 3], np.int32),
        ids_given=True,
        class_names=KEYS,
        strata={"year": np.array([1, 2, 3, 4])},
    )


def test_accept_sets_leave_out_what_accepts_nothing() -> None:
    sets = {"x/i1.png": [0, 1], "i2": [], "i3": ["dog"], "y/i4.png": [3], "other": [9]}
    rows, new = accept(four(), sets, "pets/real")
    assert rows.tolist() == [0, 2, 3]
    assert (new.id, new.n, new.ids.tolist()) == (
        "pets/real",
        3,
        ["x/i1.png", "y/i3.png", "y/i4.png"],
    )
    assert new.known_labels.tolist() == [0, 2, 3]
    assert new.strata["year"].tolist() == [1, 3, 4]
    assert new.accepted is not None
    right = label_ranks(np.array([[1], [2], [3]], np.int32), new.known_labels, new.accepted)
    # Item 1 accepts ant and bee; item 3 accepts a dog and no longer its own label.
    assert right.tolist() == [1, 0, 1]
    assert new.fingerprint != select(four(), rows).fingerprint


def test_accept_sets_must_fit() -> None:
    whole: dict[str, list[Any]] = {"i1": [0], "i2": [1], "i3": [2], "i4": [3]}
    with pytest.raises(DataError, match=r"which classes the item 'x/i2\.png' accepts"):
        accept(four(), {k: v for k, v in whole.items() if k != "i2"})
    for bad in (4, -1, "cow"):
        with pytest.raises(DataError, match=f"i1.png: accepts {bad!r}"):
            accept(four(), whole | {"i1": [bad]})
    with pytest.raises(DataError, match="no item accepts any class"):
        accept(four(), dict.fromkeys(whole, ()))


def test_files_of_accept_sets(tmp_path: Path) -> None:
    path = tmp_path / "sets.json"
    path.write_text("[[1], [], [2, 3]]")
    found = accept_sets_from(path, "val_{:04d}")
    assert found == {"val_0001": [1], "val_0002": [], "val_0003": [2, 3]}
    with pytest.raises(UsageError, match="does not say whose it is"):
        accept_sets_from(path)
    with pytest.raises(UsageError, match="ids is 'val'"):
        accept_sets_from(path, "val")
    path.write_text('{"a": ["ant"], "b": []}')
    assert accept_sets_from(path) == {"a": ["ant"], "b": []}
    with pytest.raises(UsageError, match="ids for items that have their own"):
        accept_sets_from(path, "val_{}")
    for text in ('{"a": 1}', '{"a": [1.5]}', '{"a": [true]}'):
        path.write_text(text)
        with pytest.raises(DataError, match="a: .* is not a list of classes"):
            accept_sets_from(path)
    path.write_text("3")
    with pytest.raises(DataError, match="not a list or object"):
        accept_sets_from(path)


def test_new_labels_by_order_or_by_id() -> None:
    by_order = relabel(four(), np.array([3, 2, 1, 0], np.int32), "pets/clean")
    ids = four().ids.tolist()
    by_id = relabel(four(), dict(zip(ids[::-1], range(4), strict=True)), "pets/clean")
    assert by_order.fingerprint == by_id.fingerprint != four().fingerprint
    with pytest.raises(DataError, match="3 items have no new label"):
        relabel(four(), {ids[0]: 1})
    with pytest.raises(DataError, match="row 1: label 4 is outside"):
        relabel(four(), np.array([0, 4, 0, 0], np.int32))
    with pytest.raises(DataError, match="4 ids but 3 labels"):
        relabel(four(), np.array([0, 1, 2], np.int32))


def test_a_fair_subset_has_the_mapped_classes_only() -> None:
    few = ClassSpace("few", ("insect", "dog"), ("Insect", "Dog"))
    found = ClassMapping("m", classes_of(four()), few, "max", ((0, 1), (3,)))
    rows, new = subset(four(), found, "pets/few")
    assert rows.tolist() == [0, 1, 3]
    assert new.known_labels.tolist() == [0, 0, 1]
    assert (new.n_classes, new.class_keys, new.class_names) == (2, few.keys, few.names)
    # Accepted classes follow; an item is left out when none of them is mapped.
    _, real = accept(four(), {"i1": [0, 2], "i2": [2], "i3": [0, 1], "i4": [1, 3]})
    rows, new = subset(real, found)
    assert rows.tolist() == [0, 3]
    assert new.accepted is not None
    assert new.accepted.classes.tolist() == [0, 0, 1]
    assert new.accepted.offsets.tolist() == [0, 1, 3]


def test_a_subset_by_another_mapping_is_refused() -> None:
    other = ClassSpace("", KEYS[::-1])
    found = ClassMapping("m", other, ClassSpace("", ("ant",)), "restrict", ((3,),))
    with pytest.raises(DataError, match="are not those that 'm' maps"):
        subset(four(), found)
    with pytest.raises(DataError, match="only the number of its classes"):
        classes_of(replace(four(), class_names=()))
    none = select(four(), np.array([1, 2]))
    with pytest.raises(DataError, match="none of its items"):
        subset(
            none, ClassMapping("m", classes_of(none), ClassSpace("", ("ant",)), "restrict", ((0,),))
        )


def reviews(folder: Path, **options: Any) -> TestSetRef:
    frame = pd.DataFrame({"id": list("abcd"), "text": list("wxyz"), "label": KEYS})
    frame.to_csv(folder / "r.csv", index=False)
    return TestSetRef("r/test", "text", str(folder / "r.csv"), options, root=folder)


def test_any_adapter_takes_accept_and_subset(tmp_path: Path) -> None:
    (tmp_path / "sets.json").write_text('{"a": [0, 3], "b": [1], "c": [], "d": [0, 2]}')
    options = {"accept": "sets.json", "subset": ["ant", "dog"], "expected_n": 2}
    ref = reviews(tmp_path, **options, licence="CC0")
    # b accepts a bee only, which is no class of the subset, c nothing, and d an ant, but its label
    # is a dog and stays that.
    reader = pickle.loads(pickle.dumps(open_relabelled(ref, ADAPTER.open)))
    assert reader.testset.ids.tolist() == ["a", "d"]
    assert [reader.read(row) for row in range(2)] == ["w", "z"]
    assert reader.testset.known_labels.tolist() == [0, 1]
    assert reader.testset.accepted.classes.tolist() == [0, 1, 0]
    assert reader.classes.keys == ("ant", "dog")
    assert (reader.origin.licence, reader.origin.expected_n) == ("CC0", 2)
    assert reader.notes == ("2 items of the whole are left out",)
    plain = ADAPTER.open(reviews(tmp_path))
    assert (reader.reading, reader.item) == (plain.reading, plain.item)
    with pytest.raises(IndexError):
        reader.read(2)


@pytest.mark.parametrize("check", checks(), ids=str)
def test_a_relabelled_reader_keeps_the_contract(tmp_path: Path, check: Any) -> None:
    (tmp_path / "sets.json").write_text('{"a": [0, 3], "b": [1], "c": [], "d": [0, 2]}')
    ref = reviews(tmp_path, accept="sets.json")
    check(Subject(lambda ref: open_relabelled(ref, ADAPTER.open), ref))


def test_without_either_the_adapter_is_left_alone(tmp_path: Path) -> None:
    ref = reviews(tmp_path, accept=None)
    reader = open_relabelled(ref, ADAPTER.open)
    assert type(reader) is type(ADAPTER.open(reviews(tmp_path)))
    assert reader.testset.n == 4


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "sets.json").write_text("{}")
    for options, message in (
        ({"accept": {"ids": "{}"}}, "accept names no file"),
        ({"accept": "absent.json"}, r"no file .*absent\.json"),
        ({"accept": {"file": "sets.json", "sha256": "0" * 64}}, "the SHA-256 is"),
        ({"accept": {"file": "sets.json", "hash": "0"}}, "no option 'hash'"),
        ({"accept": 5}, "accept is 5, not a mapping"),
        ({"subset": ["ant", "cow"]}, "1 of 2 keys are shared"),
        ({"subset": ["ant"], "expected_n": 2}, "1 items, not the 2"),
    ):
        with pytest.raises((UsageError, DataError), match=message):
            open_relabelled(reviews(tmp_path, **options), ADAPTER.open)


@pytest.fixture(scope="module")
def val(shared_data: Path) -> TestSet:
    """The ImageNet validation set, by its published list."""
    path = shared_data / "imagenetv2" / "datasets" / "imagenet-validation-original.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["image_filenames"]
    space = known_space("imagenet-1k")
    return TestSet(
        "imagenet/val",
        len(rows),
        len(space),
        item_ids=np.array([name for name, _ in rows], dtype=object),
        labels=np.array([space.id_of(wnid) for _, wnid in rows], np.int32),
        ids_given=True,
        class_names=space.names,
        class_keys=space.keys,
    )


@pytest.mark.shared_data
def test_real_labels_score_as_their_authors_do(val: TestSet, shared_data: Path) -> None:
    path = shared_data / "real" / "real.json"
    sets = accept_sets_from(path, "ILSVRC2012_val_{:08d}")
    rows, real = accept(val, sets, "imagenet/real")
    assert real.n == 46_837
    file = shared_data / "imagenetv2" / "predictions" / "imagenet-validation-original"
    topk = np.load(file / "resnet50.npy").astype(np.int32)
    right = label_ranks(topk[rows, :1], real.known_labels, real.accepted) == 1
    # The authors' own few lines: by the number in the file name, empty sets passed over.
    lists = json.loads(path.read_text(encoding="utf-8"))
    numbers = [int(name[15:23]) - 1 for name in val.ids]
    theirs = [topk[row, 0] in lists[number] for row, number in enumerate(numbers) if lists[number]]
    assert right.tolist() == theirs
    # ReaL is kinder than the labels (76.1 %).
    assert right.mean() == pytest.approx(0.829, abs=0.003)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("space", "mapping", "n"),
    [
        # The sizes that the ImageNet testbed (Taori et al. 2020) gives for its fair baselines.
        ("imagenet-a", "restrict", 10_000),
        ("imagenet-r", "restrict", 10_000),
        ("objectnet", "objectnet", 6_250),
    ],
)
def test_fair_baselines_have_their_published_size(
    val: TestSet, space: str, mapping: str, n: int
) -> None:
    found = find_mapping(mapping, classes_of(val), known_space(space))
    assert found is not None
    rows, part = subset(val, found)
    assert part.n == len(rows) == n
    assert set(np.bincount(part.known_labels).tolist()) <= {50, 100, 150}
    part.check(space)
