from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from fakes.class_folders import picture_bytes

from freshset.core.errors import DataError, UsageError
from freshset.replication.collecting.sources.huggingface import HuggingFace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ["dog", "cat"]
    columns = {
        "image": [{"bytes": picture_bytes(n), "path": f"{n}.png"} for n in range(4)],
        "label": [0, 1, 1, 0],
        "breed": ["hound", "tabby", "tabby", "pug"],
    }
    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=names),
        breed=datasets.Value("string"),
    )
    path = tmp_path / "pets"
    datasets.DatasetDict(train=datasets.Dataset.from_dict(columns, features)).save_to_disk(path)
    return path


def test_rows_of_a_folder(folder: Path, classes) -> None:
    source = HuggingFace(path=str(folder), split="train", keyword="breed")
    assert source.name.startswith("huggingface:pets-")
    found = list(source.find(classes, None))
    assert [(one.class_key, one.keyword, one.key) for one in found] == [
        ("cat", "tabby", "1.png"),
        ("cat", "tabby", "2.png"),
        ("dog", "hound", "0.png"),
        ("dog", "pug", "3.png"),
    ]
    assert found[0].read() == picture_bytes(1)


def test_a_split_that_is_not_there(folder: Path, classes) -> None:
    with pytest.raises(UsageError, match="no split 'tran'"):
        list(HuggingFace(path=str(folder), split="tran").find(classes, None))


@pytest.mark.parametrize("by", ["option", "environment"])
def test_offline_asks_nobody(classes, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "environment":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    source = HuggingFace(path="nobody/nothing", offline=by == "option")
    with pytest.raises(DataError, match="cannot be reached|cached|offline|[Oo]ffline"):
        list(source.find(classes, None))
