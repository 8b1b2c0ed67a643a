from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.core.provenance import beside, touched_near

WHY = "revision r1 was un-frozen on 2026-01-02: a wrong label"


def package(folder: Path, **said: object) -> Path:
    (folder / "test" / "cat").mkdir(parents=True)
    body = {"schema": "freshset.package/1", "touched": WHY} | said
    (folder / "revision.json").write_text(json.dumps(body), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "inside", ["", "test", "test/metadata.csv", "shards/part-{000000..000003}.tar", "shards/*.tar"]
)
def test_a_package_says_it_to_all_that_is_in_it(tmp_path: Path, inside: str) -> None:
    assert touched_near(package(tmp_path) / inside) == WHY


def test_what_is_no_package_says_nothing(tmp_path: Path) -> None:
    assert touched_near(tmp_path / "test") == ""
    assert touched_near("https://example.org/part-{0..3}.tar") == ""
    assert touched_near(package(tmp_path, schema="other/1") / "test") == ""


def test_a_name_on_a_hub_is_not_looked_for_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "owner")
    monkeypatch.chdir(tmp_path)
    assert touched_near("owner/data") == ""


def test_a_set_that_was_never_touched(tmp_path: Path) -> None:
    assert touched_near(package(tmp_path, touched="")) == ""


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'touched' is True"):
        touched_near(package(tmp_path, touched=True))
    (tmp_path / "revision.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        touched_near(tmp_path)


def test_a_table_of_images_has_a_file_of_its_own_beside_it(tmp_path: Path) -> None:
    package(tmp_path, touched="of the folder")
    table = tmp_path / "r1.csv"
    assert touched_near(table) == "of the folder"
    body = {"schema": "freshset.package/1", "touched": WHY}
    assert beside(table) == tmp_path / "r1.revision.json"
    beside(table).write_text(json.dumps(body), encoding="utf-8")
    assert touched_near(table) == WHY
    assert touched_near("/") == ""
