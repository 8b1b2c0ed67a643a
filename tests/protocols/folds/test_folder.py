from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import ConflictError, StoreError
from freshset.protocols.folds.folder import FoldFolder

WHAT = {"data": "d1", "scheme": {"folds": 3}, "learner": "l"}


def test_what_was_put_is_there(tmp_path: Path) -> None:
    folder = FoldFolder(tmp_path / "f", WHAT)
    assert folder.get("a") is None
    folder.put("a", np.array([1, 2]))
    folder.put("b", np.array(["cat", "dog"]))
    again = FoldFolder(tmp_path / "f", WHAT)
    assert again.get("a").tolist() == [1, 2]
    assert again.get("b").tolist() == ["cat", "dog"]


def test_a_folder_belongs_to_one_validation(tmp_path: Path) -> None:
    FoldFolder(tmp_path, WHAT)
    with pytest.raises(ConflictError, match="folds of another data and another learner"):
        FoldFolder(tmp_path, WHAT | {"data": "d2", "learner": "m"})


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = FoldFolder(tmp_path, WHAT)
    folder.put("a", np.arange(100))
    path = tmp_path / "a.npz"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(StoreError, match=r"a\.npz is damaged"):
        folder.get("a")


def test_one_official_set_is_opened_once(tmp_path: Path) -> None:
    folder = FoldFolder(tmp_path, WHAT)
    assert folder.opened("o1") is None
    folder.put_opened("o1", np.array([1]))
    assert folder.opened("o1").tolist() == [1]
    with pytest.raises(ConflictError, match="another official test set was opened"):
        folder.opened("o2")
