"""Data sets as study files name them, and every problem with its line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.class_folders import make_folder
from fakes.transfer_sets import MAKERS

from freshset.core.errors import UsageError
from freshset.engine.yaml_text import read_yaml
from freshset.transfer.datasets.base import Division, TransferDataset
from freshset.transfer.datasets.declaring import TransferDatasets, folder_dataset
from freshset.transfer.datasets.opening import open_dataset
from freshset.transfer.protocol import Splitting

Read = Callable[[str], tuple[tuple[TransferDataset, ...], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def call(text: str) -> tuple[tuple[TransferDataset, ...], list[str]]:
        document = read_yaml(text)
        found = TransferDatasets(tmp_path, document).read(document.value["datasets"], ("datasets",))
        return found, [f"{p.where}: {p.message} {p.hint}".strip() for p in document.problems]

    return call


def test_a_folder_of_train_val_and_test(read: Read, tmp_path: Path) -> None:
    for start, part in enumerate(("train", "val", "test")):
        make_folder(tmp_path / "My pets" / part, {"cat": [start], "dog": [start + 10]})
    ((found,), said) = read("datasets: [{path: My pets, metric: mean-per-class, content: true}]")
    assert said == []
    assert (found.id, found.title, found.metric) == ("My-pets", "My-pets", "mean-per-class")
    assert found.division is None
    assert found.validation is not None
    assert found.validation.path == str(tmp_path / "My pets" / "val")
    assert found.train.options == {"content": True}
    opened = open_dataset(found, Splitting(), 0)
    assert opened.official
    assert opened.class_names == ("cat", "dog")


def test_folders_with_numbers_for_names_are_classes_and_a_part_may_lack_some(
    tmp_path: Path,
) -> None:
    make_folder(tmp_path / "train", {"9": range(5), "10": range(5, 10), "2": range(10, 15)})
    make_folder(tmp_path / "test", {"10": [21], "9": [22]})
    opened = open_dataset(folder_dataset(tmp_path, id="mine"), Splitting(), 0)
    assert opened.class_names == ("10", "2", "9")
    assert opened.test.targets.tolist() == [0, 2]
    make_folder(tmp_path / "test", {"11": [23]})
    opened = open_dataset(folder_dataset(tmp_path, id="mine"), Splitting(), 0)
    assert opened.class_names == ("10", "2", "9", "11")
    assert "the class '11' is in the test set but not in the training set" in opened.notes[0]
    said = folder_dataset(tmp_path, id="mine", options={"classes": ["2", "9", "10", "11"]})
    assert said.test.options == {"classes": ["2", "9", "10", "11"]}


def test_a_folder_of_classes_is_divided(read: Read, tmp_path: Path) -> None:
    make_folder(tmp_path / "pets", {"cat": range(10), "dog": range(10, 20)})
    ((found,), said) = read("datasets:\n  - pets\n")
    assert said == []
    assert found.division == Division(share=0.2)
    opened = open_dataset(found, Splitting(), 0)
    assert [len(p) for p in (opened.train, opened.validation, opened.test)] == [13, 3, 4]
    assert opened.notes == ("test set: 20% of all images, drawn with seed 0",)
    ((found,), said) = read("datasets: [{path: pets, division: {per_class: 4, seed: 2}}]")
    assert (said, found.division) == ([], Division(per_class=4, seed=2))


def test_a_folder_without_a_test_folder_keeps_its_validation_set(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", {"cat": range(10), "dog": range(10, 20)})
    make_folder(tmp_path / "valid", {"cat": [21], "dog": [22]})
    found = folder_dataset(tmp_path, id="mine")
    assert found.division == Division()
    opened = open_dataset(found, Splitting(), 0)
    assert [len(p) for p in (opened.train, opened.validation, opened.test)] == [16, 2, 4]


def test_a_class_can_be_called_train(tmp_path: Path) -> None:
    make_folder(tmp_path / "車", {"bus": range(5), "train": range(5, 10), "test": range(10, 15)})
    found = folder_dataset(tmp_path / "車")
    assert found.id == "images"
    assert open_dataset(found, Splitting(), 0).class_names == ("bus", "test", "train")


def test_three_test_sets_of_any_adapter(read: Read, tmp_path: Path) -> None:
    make_folder(tmp_path / "a", {"cat": [0], "dog": [1]})
    (tmp_path / "b.csv").write_text("path,label\nx.png,cat\n")
    ((found,), said) = read(
        "datasets:\n"
        "  - id: mine\n    title: My own\n    metric: top1\n    allow_sizes: true\n"
        "    train: {path: a}\n"
        "    test: {adapter: manifest, path: b.csv, root: a}\n"
        "    expected: {train: 2, test: 1}\n"
    )
    assert said == []
    assert (found.title, found.allow_sizes) == ("My own", True)
    assert found.expected == {"train": 2, "test": 1}
    assert (found.train.id, found.train.adapter) == ("mine/train", "image-folder")
    assert (found.test.id, found.test.adapter) == ("mine/test", "manifest")
    assert found.test.options == {"root": "a"}
    ((found,), said) = read("datasets: [{id: mine, train: {path: a}, test: {mnist/test: a}}]")
    assert (said, found.test.id) == ([], "mnist/test")


def test_data_sets_that_are_known_by_name(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MAKERS["dtd"](tmp_path / "textures", monkeypatch)
    (found, second), said = read(
        "datasets:\n"
        "  - {data: dtd, path: textures, allow_sizes: true}\n"
        "  - {data: dtd, id: dtd-2, title: DTD 2, path: textures, arguments: {partition: 2},\n"
        "     expected: {test: 7}}\n"
    )
    assert said == []
    assert (found.id, found.title, found.metric) == ("dtd", "Describable Textures (DTD)", "top1")
    assert found.allow_sizes
    assert found.validation is not None
    assert len(open_dataset(found, Splitting(), 0).test) == 7
    assert (second.id, second.title, second.expected["test"]) == ("dtd-2", "DTD 2", 7)
    assert second.expected["train"] == 1_880
    assert second.test.options["arguments"] == {"partition": 2}


def test_parts_of_a_known_data_set_that_are_elsewhere(read: Read, tmp_path: Path) -> None:
    make_folder(tmp_path / "cars", {"cat": [0], "dog": [1]})
    ((found,), said) = read(
        "datasets:\n  - data: stanford-cars\n"
        "    train: {adapter: hf-datasets, path: some/cars, split: train}\n"
        "    test: {path: cars}\n"
    )
    assert said == []
    assert (found.title, found.expected["train"]) == ("Stanford Cars", 8_144)
    assert (found.train.path, found.train.adapter) == ("some/cars", "hf-datasets")
    assert found.test.path == str(tmp_path / "cars")
    _, said = read("datasets: [{data: dtdd, path: cars}, {data: dtd}, {data: dtd, path: cars}]")
    assert len(said) == 2
    assert "No built-in data set 'dtdd'. Did you mean 'dtd'" in said[0]
    assert "Nothing says where the train and validation and test images of dtd are" in said[1]


def test_every_problem_has_its_line(read: Read, tmp_path: Path) -> None:
    make_folder(tmp_path / "only" / "test", {"cat": [0], "dog": [1]})
    make_folder(tmp_path / "a", {"cat": [0], "dog": [1]})
    found, said = read(
        "datasets:\n"
        "  - nowhere\n"
        "  - 7\n"
        "  - {path: a, metric: top5}\n"
        "  - {path: only}\n"
        "  - {id: x, train: {path: a}, test: {adapter: nonsense, path: a}, tset: 1}\n"
        "  - {id: y, train: {path: a}, test: {path: missing}}\n"
        "  - {id: z, train: {path: a}, test: {path: a}, division: {share: 0.5}}\n"
        "  - {path: a, division: {share: 2}}\n"
        "  - {path: a, expected: {trian: 2}}\n"
        "  - {path: a, title: Fine}\n"
        "  - {path: a}\n"
    )
    assert [one.title for one in found] == ["Fine"]
    wanted = [
        "line 2, datasets[0]: There is no folder",
        "line 3, datasets[1]: Not a data set. Write {data",
        "line 4, datasets[2].metric: 'top5'",
        "line 5, datasets[3]: .* has test, but no 'train'",
        r"line 6, datasets\[4\].tset: Unknown key 'tset'",
        "line 6, .*nonsense",
        r"line 7, datasets\[5\].test.*There is no file or folder",
        "line 8, .*nothing is to be divided",
        r"line 9, datasets\[7\].division.share",
        r"line 10, datasets\[8\].expected.trian: Unknown key 'trian'",
        "line 12, .*The data set 'a' occurs twice, first in line 11",
    ]
    assert len(said) == len(wanted), said
    for one in wanted:
        pattern = one.replace("[0]", r"\[0\]").replace("[1]", r"\[1\]")
        pattern = pattern.replace("[2]", r"\[2\]").replace("[3]", r"\[3\]").replace("{", r"\{")
        assert any(re.search(pattern, text) for text in said), (one, said)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        folder_dataset(tmp_path / "none")
