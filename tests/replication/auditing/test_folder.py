from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.replication.auditing.folder import audit_folder
from freshset.replication.auditing.report import AuditReport


def scene(seed: int, size: int = 96) -> Image.Image:
    """A made-up picture with large shapes, as photographs have and noise has not."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, size=(6, 6, 3), dtype=np.uint8))
    return small.resize((size, size), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, key in enumerate(("cat", "cat", "dog", "dog")):
        save(tmp_path / "set" / key / f"{number}.png", scene(number))
    return tmp_path / "set"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    for number in range(10, 14):
        save(tmp_path / "original" / "cat" / f"{number}.png", scene(number))
    return tmp_path / "original"


def found(report: AuditReport) -> list[tuple[str, str]]:
    return [(issue.check, issue.severity) for issue in report.issues]


def test_a_clean_folder(root: Path, original: Path) -> None:
    report = audit_folder(root, original=[original])
    assert found(report) == []
    assert (report.sets[0].name, report.sets[0].items, report.union) == ("set", 4, 4)


def test_equal_bytes_equal_pixels_and_another_encoding_inside(root: Path) -> None:
    data = (root / "cat" / "0.png").read_bytes()
    (root / "cat" / "copy.png").write_bytes(data)
    save(root / "cat" / "same-pixels.bmp", Image.open(io.BytesIO(data)))
    save(root / "dog" / "encoded.jpg", scene(2), quality=80)
    save(root / "dog" / "smaller.png", scene(2).resize((60, 60)))
    groups = {group.item_ids for group in audit_folder(root).sets[0].groups}
    assert groups == {
        ("cat/0.png", "cat/copy.png", "cat/same-pixels.bmp"),
        ("dog/2.png", "dog/encoded.jpg", "dog/smaller.png"),
    }
    exact = {group.item_ids for group in audit_folder(root, limits={}).sets[0].groups}
    assert exact == {("cat/0.png", "cat/copy.png", "cat/same-pixels.bmp")}


def test_an_image_that_is_turned_by_exif_is_the_same_picture(root: Path) -> None:
    image = scene(0)
    exif = Image.Exif()
    exif[274] = 6
    # Stored a quarter turn to the left, to be shown a quarter turn to the right.
    save(root / "cat" / "turned.png", image.transpose(Image.Transpose.ROTATE_90), exif=exif)
    (group,) = audit_folder(root, limits={}).sets[0].groups
    assert group.item_ids == ("cat/0.png", "cat/turned.png")


def test_duplicates_of_original_images_and_their_labels(root: Path, original: Path) -> None:
    save(root / "cat" / "near.jpg", scene(10), quality=85)
    save(root / "dog" / "wrong.png", scene(11))
    report = audit_folder(root, original=[original])
    pairs = [
        (d.item_id, Path(d.original).name, d.original_class)
        for d in report.sets[0].original_duplicates
    ]
    assert pairs == [("cat/near.jpg", "10.png", "cat"), ("dog/wrong.png", "11.png", "cat")]
    assert found(report)[:2] == [("original-duplicate", "fault"), ("label", "fault")]
    assert "dog/wrong.png is dog" in report.issues[1].message


def test_perceptual_hashes_see_through_brightness(root: Path) -> None:
    pytest.importorskip("imagehash")
    brighter = np.asarray(scene(3)).astype(int) * 8 // 10 + 40
    save(root / "dog" / "brighter.png", Image.fromarray(brighter.astype(np.uint8)))
    assert audit_folder(root).sets[0].groups == ()
    (group,) = audit_folder(root, limits={"phash": 4}).sets[0].groups
    assert group.item_ids == ("dog/3.png", "dog/brighter.png")


def test_images_that_cannot_be_read_are_faults_and_the_rest_is_audited(
    root: Path, original: Path
) -> None:
    (root / "cat" / "cut.png").write_bytes((root / "cat" / "0.png").read_bytes()[:200])
    (root / "dog" / "text.jpg").write_text("no image", encoding="utf-8")
    (original / "cat" / "empty.png").write_bytes(b"")
    report = audit_folder(root, original=[original])
    unreadable = {one.item_id: one.reason for one in report.sets[0].unreadable}
    assert set(unreadable) == {"cat/cut.png", "dog/text.jpg"}
    assert "truncated" in unreadable["cat/cut.png"]
    assert found(report) == [("damaged", "fault"), ("unreadable", "fault")]
    assert "empty.png" in report.issues[0].message
    assert report.sets[0].items == 6


def test_a_blacklist_by_path_name_or_checksum(root: Path) -> None:
    from freshset.core.files import sha256_file

    listed = {"cat/0.png": "a", "1": "b", sha256_file(root / "dog" / "2.png"): "c", "x": "d"}
    report = audit_folder(root, blacklist=listed)
    assert [(one.item_id, one.reason) for one in report.sets[0].blacklisted] == [
        ("cat/0.png", "a"), ("cat/1.png", "b"), ("dog/2.png", "c"),
    ]  # fmt: skip


def test_hidden_files_and_loose_images_are_no_items(root: Path) -> None:
    save(root / "loose.png", scene(50))
    save(root / "cat" / ".hidden.png", scene(51))
    save(root / ".cache" / "x.png", scene(52))
    (root / "cat" / "notes.txt").write_text("x", encoding="utf-8")
    save(root / "cat" / "deep" / "x.png", scene(53))
    report = audit_folder(root)
    assert report.sets[0].items == 5
    assert found(report) == [("balance", "note")]


def test_what_is_no_folder_of_images(tmp_path: Path, root: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        audit_folder(tmp_path / "none")
    (tmp_path / "empty" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="no images in class folders"):
        audit_folder(tmp_path / "empty")
    with pytest.raises(UsageError, match="'colour'"):
        audit_folder(root, limits={"colour": 1})


def test_a_folder_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"")
    assert found(audit_folder(tmp_path)) == [("unreadable", "fault")]
