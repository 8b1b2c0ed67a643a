from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.datasets.class_files import read_classes, read_table


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "cat\nhair drier\n\n", [["cat"], ["hair drier"]]),
        ("a.txt", "\ufeffc\tCat\nd\tDog\n", [["c", "Cat"], ["d", "Dog"]]),
        (
            "synset_words.txt",
            "n01440764 tench, Tinca tinca\nn01443537 goldfish",
            [("n01440764", "tench, Tinca tinca"), ("n01443537", "goldfish")],
        ),
        ("a.csv", "key\ncat\n", [["cat"]]),
        ("a.csv", 'name,wnid\n"a, b",n1\n', [["n1", "a, b"]]),
        ("a.tsv", "id\tkey\tname\n1\td\tDog\n0\tc\tCat\n", {"1": ["d", "Dog"], "0": ["c", "Cat"]}),
        ("a.json", '["cat", "dog"]', ["cat", "dog"]),
        ("a.json", '{"0": ["n1", "cat"]}', {"0": ["n1", "cat"]}),
    ],
)
def test_files_of_classes(name: str, text: str, expected: object, tmp_path: Path) -> None:
    assert read_classes(write(tmp_path, name, text)) == expected


def test_files_that_list_no_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv: no column 'key'; it has breed, size"):
        read_classes(write(tmp_path, "a.csv", "breed,size\nx,1\n"))
    with pytest.raises(DataError, match="no rows"):
        read_classes(write(tmp_path, "a.csv", "key\n"))
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="cannot be read as text"):
        read_classes(tmp_path / "b.txt")
    with pytest.raises(DataError, match="cannot be read as text"):
        read_classes(tmp_path / "nothing.txt")


def test_tables(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "folder,class\nx,1\ny,dog\nx,1\n")
    assert read_table(path, "folder", "class") == {"x": "1", "y": "dog"}
    path = write(tmp_path, "a.json", json.dumps({"x": 1}))
    assert read_table(path, "folder", "class") == {"x": 1}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", "[1]", "not an object"),
        ("a.csv", "folder,label\nx,1\n", "no column 'class'; it has folder, label"),
        ("a.csv", "folder,class\nx,1\nx,2\n", "row 1: 'x' has two values of 'class'"),
    ],
)
def test_tables_that_say_nothing_are_refused(
    name: str, text: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=why):
        read_table(write(tmp_path, name, text), "folder", "class")
