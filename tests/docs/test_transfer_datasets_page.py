"""The page of data sets: its example is a study that can be read, and it knows every key."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.class_folders import make_folder
from fakes.image_samples import write
from fakes.transfer_sets import MAKERS

from freshset.engine.yaml_text import read_yaml
from freshset.transfer.datasets.base import Division
from freshset.transfer.datasets.declaring import (
    BuiltinSection,
    DivisionSection,
    ExpectedSection,
    FolderSection,
    PartsSection,
    TransferDatasets,
)


@pytest.fixture
def page(docs: Path) -> str:
    return (docs / "reference" / "transfer-datasets.md").read_text(encoding="utf-8")


def test_the_example(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS["dtd"](tmp_path / "textures", monkeypatch)
    make_folder(tmp_path / "my-photos", {"cat": [0], "dog": [1]})
    for name in ("train.csv", "test.csv"):
        write(tmp_path, name, b"path,label\n")
    block = page.partition("```yaml\n")[2].partition("```")[0]
    document = read_yaml(block.replace("/data/", f"{tmp_path}/"))
    found = TransferDatasets(tmp_path, document).read(document.value["datasets"], ("datasets",))
    assert document.problems == []
    assert [one.id for one in found] == ["dtd", "my-photos", "photos", "tags", "stanford-cars"]
    assert found[2].division == Division(share=0.3, seed=1)
    assert found[3].test.options == {"separator": ";"}
    assert found[4].test.path == "tanganke/stanford_cars"


def test_every_key_is_there(page: str) -> None:
    sections = (BuiltinSection, FolderSection, PartsSection, DivisionSection, ExpectedSection)
    for section in sections:
        for key in section.model_fields:
            assert f"`{key}`" in page, key
