from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.replication.auditing.archive import audit_archive

NAMES = {"a": "imagenetv2-a-44", "b": "imagenetv2-b-33", "c": "imagenetv2-c-12"}


@pytest.mark.shared_data
def test_the_released_sets_hold_what_their_own_metadata_mark_as_bad(shared_data: Path) -> None:
    report = audit_archive(shared_data / "imagenetv2")
    sets = {found.name: found for found in report.sets}
    assert list(sets) == list(NAMES.values())
    a, b, c = sets.values()
    assert {found.items for found in sets.values()} == {10_000}

    val = {name: found.original_duplicates for name, found in sets.items()}
    assert [len(found) for found in val.values()] == [1, 1, 1]
    for name in ("a", "b"):
        (found,) = val[NAMES[name]]
        assert found.item_id.startswith("dfc2eea7")
        assert found.original == "ILSVRC2012_val_00034218.JPEG"
        assert found.original_class == found.class_key
    (found,) = val[NAMES["c"]]
    assert found.item_id.startswith("720af39d")
    assert found.original == "ILSVRC2012_val_00039188.JPEG"

    assert [len(one.same_class_groups) for one in (a, b, c)] == [4, 2, 1]
    assert [len(one.blacklisted) for one in (a, b, c)] == [0, 1, 0]
    assert b.blacklisted[0].item_id.startswith("2c7af501")
    assert b.blacklisted[0].class_key == "n02504013"
    assert [overlap.shared for overlap in report.overlaps] == [3_186, 4_996, 3_070]
    assert report.union == 20_683
    assert [issue.check for issue in report.at_least("fault")] == [
        "original-duplicate", "original-duplicate", "blacklisted", "original-duplicate",
    ]  # fmt: skip


@pytest.mark.shared_data
def test_earlier_revisions_can_be_named(shared_data: Path) -> None:
    report = audit_archive(shared_data / "imagenetv2", ["imagenetv2-b-1"])
    (found,) = report.sets
    assert found.items == 9_958
    assert len(found.blacklisted) > 100


def archive(folder: Path) -> Path:
    rows = {
        "imagenetv2-a-9": [["x1", "n00000001"]],
        "imagenetv2-a-10": [["x1", "n00000001"], ["x2", "n00000002"], ["x3", "n00000001"]],
        "imagenetv2-b-0": [["x2", "n00000002"]],
        "imagenet-validation-original": [["ILSVRC2012_val_1.JPEG", "n00000002"]],
    }
    (folder / "datasets").mkdir()
    (folder / "metadata").mkdir()
    for name, images in rows.items():
        text = json.dumps({"image_filenames": images})
        (folder / "datasets" / f"{name}.json").write_text(text, encoding="utf-8")
    tables = {
        "near_duplicates": {
            "x1": ["ILSVRC2012_val_1.JPEG"],
            "ILSVRC2012_val_1.JPEG": ["x1"],
            "x2": ["n00000002_17.JPEG"],
            "x3": ["ILSVRC2012_test_5.JPEG"],
        },
        "candidate_blacklist": {"x9": "drawing"},
    }
    for name, table in tables.items():
        (folder / "metadata" / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")
    return folder


def test_the_last_revision_of_every_letter_by_number(tmp_path: Path) -> None:
    report = audit_archive(archive(tmp_path))
    assert [found.name for found in report.sets] == ["imagenetv2-a-10", "imagenetv2-b-0"]


def test_labels_are_those_of_validation_images_and_in_the_names_of_training_images(
    tmp_path: Path,
) -> None:
    report = audit_archive(archive(tmp_path), ["imagenetv2-a-10"])
    found = report.sets[0].original_duplicates
    assert [(d.item_id, d.original, d.original_class) for d in found] == [
        ("x1", "ILSVRC2012_val_1.JPEG", "n00000002"),
        ("x2", "n00000002_17.JPEG", "n00000002"),
        ("x3", "ILSVRC2012_test_5.JPEG", ""),
    ]
    # x1 is not in the class of the image that it duplicates.
    (label,) = (issue for issue in report.issues if issue.check == "label")
    assert "x1 is n00000001" in label.message


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("metadata/near_duplicates.json", "[]", "no table"),
        ("metadata/near_duplicates.json", '{"x": 1}', "no list of duplicates"),
        ("metadata/candidate_blacklist.json", '{"x"', "not valid JSON"),
        ("datasets/imagenetv2-b-0.json", '{"image_filenames": [1]}', "no list of"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, file: str, content: str, message: str) -> None:
    path = archive(tmp_path) / file
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as error:
        audit_archive(tmp_path)
    assert str(path) in str(error.value)


def test_what_is_no_archive_and_no_revision(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no datasets/imagenetv2"):
        audit_archive(tmp_path)
    archive(tmp_path)
    with pytest.raises(DataError, match="missing") as error:
        audit_archive(tmp_path, ["imagenetv2-b-1"])
    assert "imagenetv2-b-0" in error.value.hint
