from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.image_samples import CLASSES, encoded, make_image_folder, picture, ref, write

from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.image_folder import ADAPTER

JPEG = encoded(picture(0))


def folders(root: Path, *names: str, **options: object) -> TestSetRef:
    for name in names:
        write(root / "images", f"{name}/a.jpg", JPEG)
    return ref("image-folder", root / "images", **options)


def by_folder(reader: Reader) -> dict[str, int]:
    ids = reader.testset.ids.tolist()
    return dict(
        zip((id.split("/")[0] for id in ids), reader.testset.known_labels.tolist(), strict=True)
    )


def test_wnids_are_classes_by_their_keys(tmp_path: Path) -> None:
    """A restriction: three of the thousand classes, each with its own id."""
    given = make_image_folder(tmp_path)
    reader = ADAPTER.open(replace(given, options={"classes": "imagenet-1k", "allow_empty": True}))
    assert reader.classes is known_space("imagenet-1k")
    assert sorted(set(reader.testset.known_labels.tolist())) == [0, 1, 2]
    assert reader.testset.class_keys[:3] == CLASSES
    assert reader.testset.class_names[0] == "tench"


def test_numeric_folders_are_class_ids_and_not_in_order_of_their_names(tmp_path: Path) -> None:
    """ImageNetV2: as text, '10' sorts before '2'."""
    names = [str(number) for number in range(12)]
    reader = ADAPTER.open(folders(tmp_path, *names, classes=12))
    assert by_folder(reader) == {name: int(name) for name in names}
    assert reader.testset.ids.tolist() == sorted(f"{name}/a.jpg" for name in names)
    padded = ADAPTER.open(folders(tmp_path / "padded", "00", "01", "10", classes=11, **EMPTY))
    assert by_folder(padded) == {"00": 0, "01": 1, "10": 10}
    known = ADAPTER.open(folders(tmp_path / "known", "7", "999", classes="imagenet-1k", **EMPTY))
    assert by_folder(known) == {"7": 7, "999": 999}


EMPTY = {"allow_empty": True}


def test_numeric_folders_without_declared_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images/0: nothing says which class '0' is") as caught:
        ADAPTER.open(folders(tmp_path, "0", "1", "10"))
    assert "classes: imagenet-1k" in caught.value.hint
    with pytest.raises(DataError, match="nothing says which class '3' is"):
        ADAPTER.open(folders(tmp_path / "mixed", "3", "cat"))


def test_numeric_folders_beyond_the_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images/10: 10 is outside the class ids 0 to 9"):
        ADAPTER.open(folders(tmp_path, *map(str, range(1, 11)), classes=10))


def test_names_are_classes_by_name(tmp_path: Path) -> None:
    pets = [["n1", "dog"], ["n2", "cat"]]
    reader = ADAPTER.open(folders(tmp_path, "cat", "dog", classes=pets))
    assert by_folder(reader) == {"dog": 0, "cat": 1}
    with pytest.raises(DataError, match=r"images/horse: 'horse' is no class"):
        ADAPTER.open(folders(tmp_path, "horse", classes=pets))


def test_without_declared_classes_the_names_are_the_classes(tmp_path: Path) -> None:
    reader = ADAPTER.open(folders(tmp_path, "dog", "cat"))
    assert reader.classes is not None
    assert reader.classes.keys == ("cat", "dog")
    assert by_folder(reader) == {"cat": 0, "dog": 1}


def test_a_table_says_which_folder_is_which_class(tmp_path: Path) -> None:
    given = folders(tmp_path, "a", "b", "c", classes=["cat", "dog"])
    table = {"a": "dog", "b": 0, "c": "dog"}
    with pytest.raises(DataError, match="folders: row 1: '0' is no class"):
        ADAPTER.open(replace(given, options={**given.options, "folders": table}))
    table = {"a": "dog", "b": "cat", "c": "dog"}
    reader = ADAPTER.open(replace(given, options={**given.options, "folders": table}))
    assert by_folder(reader) == {"a": 1, "b": 0, "c": 1}
    (tmp_path / "t.csv").write_text("folder,class\na,1\nb,0\nc,1\n")
    reader = ADAPTER.open(replace(given, options={**given.options, "folders": "t.csv"}))
    assert by_folder(reader) == {"a": 1, "b": 0, "c": 1}
    with pytest.raises(DataError, match="the table of folders has no 'c'"):
        ADAPTER.open(replace(given, options={"folders": {"a": 0, "b": 1}}))
    with pytest.raises(UsageError, match="folders is 3, not a mapping"):
        ADAPTER.open(replace(given, options={"folders": 3}))


def test_a_table_of_ids_alone_declares_as_many_classes(tmp_path: Path) -> None:
    reader = ADAPTER.open(folders(tmp_path, "x", "y", folders={"x": 1, "y": 0}))
    assert by_folder(reader) == {"x": 1, "y": 0}
    assert reader.testset.n_classes == 2


def test_two_folders_of_one_class_need_a_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two folders are one class"):
        ADAPTER.open(folders(tmp_path, "7", "07", classes=9, **EMPTY))


def test_an_empty_class_is_refused(tmp_path: Path) -> None:
    given = folders(tmp_path, "cat", "dog", "horse")
    (tmp_path / "images" / "dog" / "a.jpg").unlink()
    why = r"sample/image-folder: 1 of 3 classes have no image, the first is 'dog'"
    with pytest.raises(DataError, match=why) as caught:
        ADAPTER.open(given)
    assert "allow_empty" in caught.value.hint
    reader = ADAPTER.open(replace(given, options=EMPTY))
    assert (reader.testset.n, reader.testset.n_classes) == (2, 3)
    assert by_folder(reader) == {"cat": 0, "horse": 2}


def test_a_declared_class_without_a_folder_is_empty_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"998 of 1,000 classes have no image"):
        ADAPTER.open(folders(tmp_path, *CLASSES[:2], classes="imagenet-1k"))


def test_what_is_no_image_is_passed_over_and_counted(tmp_path: Path) -> None:
    given = folders(tmp_path, "cat", "dog")
    for name in ("cat/Thumbs.db", "cat/._a.jpg", "dog/.b.png", "README.md", ".hidden.jpg"):
        write(tmp_path / "images", name, b"x")
    write(tmp_path / "images", ".ipynb_checkpoints/c.jpg", JPEG)
    write(tmp_path / "images", "loose.jpg", JPEG)
    reader = ADAPTER.open(given)
    assert reader.testset.ids.tolist() == ["cat/a.jpg", "dog/a.jpg"]
    assert reader.notes == (
        "1 images outside of any class folder are passed over",
        "6 files are hidden or no images and are passed over",
    )


def test_images_may_lie_deeper_and_be_links(tmp_path: Path) -> None:
    given = folders(tmp_path, "cat", "dog")
    write(tmp_path / "images", "cat/2020/summer/b.JPEG", JPEG)
    (tmp_path / "images" / "cat" / "again").symlink_to(tmp_path / "images" / "cat")
    write(tmp_path / "elsewhere", "c.png", JPEG)
    (tmp_path / "images" / "horse").symlink_to(tmp_path / "elsewhere")
    reader = ADAPTER.open(given)
    ids = ["cat/2020/summer/b.JPEG", "cat/a.jpg", "dog/a.jpg", "horse/c.png"]
    assert reader.testset.ids.tolist() == ids
    assert np.array_equal(np.asarray(reader.read(0)), np.asarray(reader.read(3)))
    (tmp_path / "images" / "dog" / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    with pytest.raises(DataError, match=r"dog/broken\.jpg: cannot be read"):
        ADAPTER.open(given)


@pytest.mark.parametrize("names", [("only",), ("train", "Val"), ()])
def test_a_path_one_level_too_high_is_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    given = folders(tmp_path, *(f"{name}/cat" for name in names))
    with pytest.raises(DataError, match=r"images: the folders .* are no classes"):
        ADAPTER.open(given)


def test_a_flat_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", JPEG)
    with pytest.raises(DataError, match="1 images, but no class folders") as caught:
        ADAPTER.open(ref("image-folder", tmp_path))
    assert "manifest" in caught.value.hint
    with pytest.raises(DataError, match="not a folder"):
        ADAPTER.open(ref("image-folder", tmp_path / "a.jpg"))


def test_reading_sees_sizes_and_on_demand_content(tmp_path: Path) -> None:
    given = make_image_folder(tmp_path)
    path = Path(given.path) / CLASSES[0] / "img_00.jpg"
    data = path.read_bytes()
    content = replace(given, options={"content": True})
    before, before_content = ADAPTER.open(given).reading, ADAPTER.open(content).reading
    path.write_bytes(data[:-1] + b"x")
    assert ADAPTER.open(given).reading == before  # as documented: sizes are compared, not content
    assert ADAPTER.open(content).reading != before_content
    path.write_bytes(data + b"x")
    assert ADAPTER.open(given).reading != before


def test_a_damaged_file_is_named_when_it_is_read(tmp_path: Path) -> None:
    given = make_image_folder(tmp_path)
    path = Path(given.path) / CLASSES[1] / "img_01.jpg"
    path.write_bytes(path.read_bytes()[:300])
    reader = ADAPTER.open(given)
    row = reader.testset.ids.tolist().index(f"{CLASSES[1]}/img_01.jpg")
    with pytest.raises(DataError, match=rf"{CLASSES[1]}/img_01\.jpg: the image is truncated"):
        reader.read(row)


def test_lists_say_which_images_are_meant(tmp_path: Path) -> None:
    given = folders(tmp_path, "cat", "dog", "emu")
    write(tmp_path / "images", "cat/b.jpg", JPEG)
    write(tmp_path, "test.txt", b"path\ncat/b.jpg\nemu/a.jpg\n")

    def opened(**options: object) -> Reader:
        more = {"allow_empty": True, **options}
        return ADAPTER.open(replace(given, options=more, root=tmp_path))

    only, rest = opened(only="test.txt"), opened(without="test.txt")
    assert only.testset.ids.tolist() == ["cat/b.jpg", "emu/a.jpg"]
    assert rest.testset.ids.tolist() == ["cat/a.jpg", "dog/a.jpg"]
    assert only.classes == rest.classes
    assert only.reading != rest.reading
    write(tmp_path, "more.txt", b"cat/b.jpg\ncat/gone.jpg\n")
    with pytest.raises(DataError, match=r"more.txt: 1 of the 2 listed images are not there") as e:
        opened(only="more.txt")
    assert "allow_missing" in e.value.hint
    found = ADAPTER.open(
        replace(
            given,
            options={"only": "more.txt", "allow_missing": True, "allow_empty": True},
            root=tmp_path,
        )
    )
    assert found.testset.ids.tolist() == ["cat/b.jpg"]
    assert getattr(found, "notes") == (  # noqa: B009 - of readers that have some
        "1 of the 2 listed images are not there, the first is 'cat/gone.jpg'",
    )
    with pytest.raises(DataError, match="1 of 3 classes have no image, the first is 'dog'"):
        opened(only="test.txt", allow_empty=False)


def test_the_class_can_be_the_whole_folder(tmp_path: Path) -> None:
    """As SUN397 has it, where 'a/bakery/shop' and 'b/bakery/shop' would be two classes."""
    given = folders(tmp_path, "a/abbey", "a/bakery/shop", "b/bakery/shop", nested=True)
    reader = ADAPTER.open(given)
    assert reader.testset.class_names == ("a/abbey", "a/bakery/shop", "b/bakery/shop")
    assert reader.testset.known_labels.tolist() == [0, 1, 2]
    assert ADAPTER.open(replace(given, options={})).testset.class_names == ("a", "b")
