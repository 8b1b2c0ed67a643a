from __future__ import annotations

from pathlib import Path

import pytest
from fakes.class_folders import make_folder

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.folder import Folder


def test_files_are_found_by_class_and_keyword(tmp_path: Path, classes) -> None:
    root = make_folder(tmp_path, {"domestic dog": [1], "cat": [3, 2], "cat/tabby/deep": [4]})
    (root / "cat" / ".hidden.png").write_bytes(b"x")
    (root / ".git").mkdir()
    (root / "README.txt").write_text("not a class", encoding="utf-8")
    found = list(Folder(path=root, licence="CC0 1.0", author="Ada").find(classes, None))
    assert [(one.class_key, one.keyword, one.key) for one in found] == [
        ("cat", "", "cat/002.png"),
        ("cat", "", "cat/003.png"),
        ("cat", "tabby", "cat/tabby/deep/004.png"),
        ("dog", "", "domestic dog/001.png"),
    ]
    assert found[0].path == root / "cat" / "002.png"
    assert (found[0].licence, found[0].author) == ("CC0 1.0", "Ada")


@pytest.mark.parametrize(
    ("folders", "error", "message"),
    [
        ([], UsageError, "no class folders"),
        (["cat", "dgo"], DataError, "no class 'dgo'. Did you mean 'dog'"),
        ([".hidden"], UsageError, "no class folders"),
    ],
)
def test_what_is_no_folder_of_classes(tmp_path: Path, classes, folders, error, message) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(error, match=message):
        list(Folder(path=tmp_path).find(classes, None))


def test_no_folder(tmp_path: Path, classes) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        list(Folder(path=tmp_path / "none").find(classes, None))
