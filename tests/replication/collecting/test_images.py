from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from fakes.class_folders import picture_bytes
from fakes.image_samples import encoded, picture
from PIL import Image

from freshset.core.errors import DataError, StoreError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting.images import (
    COPIES,
    SHOWN,
    SQUASHED,
    load_image,
    remove_image,
    store_image,
    working_copy,
)


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def test_bytes_are_kept_as_they_came(tmp_path: Path) -> None:
    data = picture_bytes(1, "JPEG", (640, 400))
    stored = store_image(tmp_path, data, "Image")
    assert stored.item_id == sha256_bytes(data)
    assert stored.path == (f"images/{stored.item_id[:2]}/{stored.item_id}.jpg")
    assert (tmp_path / stored.path).read_bytes() == data
    assert (stored.width, stored.height, stored.format, stored.bytes) == (
        640, 400, "JPEG", len(data),
    )  # fmt: skip
    assert store_image(tmp_path, data, "Image") == stored
    assert load_image(tmp_path, stored.path).size == (640, 400)


def test_copies_are_as_in_the_paper(tmp_path: Path) -> None:
    stored = store_image(tmp_path, picture_bytes(1, "JPEG", (1000, 400)), "Image")
    shown = opened(working_copy(tmp_path, stored.path, SHOWN))
    squashed = opened(working_copy(tmp_path, stored.path, SQUASHED))
    assert (shown.format, shown.size) == ("JPEG", (500, 200))
    assert (squashed.format, squashed.size) == ("JPEG", (256, 256))
    # Quality 90 of libjpeg: the first entry of its table of quantisation.
    assert shown.quantization[0][0] == squashed.quantization[0][0] == 3


def test_small_pictures_lose_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    stored = store_image(tmp_path, encoded(Image.fromarray(pixels), "PNG"), "Image")
    shown = opened(working_copy(tmp_path, stored.path, SHOWN))
    squashed = opened(working_copy(tmp_path, stored.path, SQUASHED))
    assert shown.format == squashed.format == "PNG"
    np.testing.assert_array_equal(np.asarray(shown), pixels)
    expected = Image.fromarray(pixels).resize((256, 256), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(np.asarray(squashed), np.asarray(expected))


def test_the_recipe_is_beside_the_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = store_image(tmp_path, picture_bytes(1), "Image")
    recipe = json.loads((tmp_path / SHOWN.folder / "recipe.json").read_text(encoding="utf-8"))
    assert recipe == SHOWN.recipe
    assert set(recipe) == {
        "copy", "side", "squash", "decoder", "pixels", "resizer", "interpolation", "encoding",
    }  # fmt: skip
    before = SHOWN.folder
    monkeypatch.setattr("PIL.__version__", "99.0")
    from freshset.replication.collecting import images

    images._digest.cache_clear()
    assert SHOWN.folder != before
    assert working_copy(tmp_path, stored.path, SHOWN).is_relative_to(tmp_path / SHOWN.folder)
    monkeypatch.undo()
    images._digest.cache_clear()


def test_copies_are_made_again(tmp_path: Path) -> None:
    stored = store_image(tmp_path, picture_bytes(1), "Image")
    first = working_copy(tmp_path, stored.path, SHOWN)
    data = first.read_bytes()
    first.unlink()
    assert working_copy(tmp_path, stored.path, SHOWN).read_bytes() == data
    first.unlink()
    (tmp_path / stored.path).unlink()
    with pytest.raises(DataError, match="is missing"):
        working_copy(tmp_path, stored.path, SHOWN)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture(1, (60, 40)).save(stream, "PNG", exif=exif)
    stored = store_image(tmp_path, stream.getvalue(), "Image")
    assert (stored.width, stored.height) == ((40, 60) if orientation > 4 else (60, 40))
    assert opened(working_copy(tmp_path, stored.path, SHOWN)).size == (
        stored.width,
        stored.height,
    )


def test_two_encodings_of_one_picture_have_its_pixels_in_common(tmp_path: Path) -> None:
    one, two = (store_image(tmp_path, picture_bytes(1, f), "Image") for f in ("PNG", "BMP"))
    other = store_image(tmp_path, picture_bytes(2), "Image")
    assert one.item_id != two.item_id
    assert one.pixels == two.pixels != other.pixels


def test_shape_is_part_of_the_pixels(tmp_path: Path) -> None:
    flat = np.zeros((4, 6, 3), dtype=np.uint8)
    wide = store_image(tmp_path, encoded(Image.fromarray(flat), "PNG"), "Image")
    high = store_image(tmp_path, encoded(Image.fromarray(flat.reshape(6, 4, 3)), "PNG"), "Image")
    assert wide.pixels != high.pixels


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Image: the file is empty"),
        (b"<html>", "not an image"),
        (picture_bytes(1, "JPEG", (200, 200))[:-800], "truncated or damaged"),
    ],
)
def test_what_is_no_image_leaves_nothing(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        store_image(tmp_path, data, "Image")
    assert not list(tmp_path.iterdir())


def test_bombs_are_refused_before_they_go_off(tmp_path: Path) -> None:
    # 30,000 x 30,000 pixels of one colour are a file of 100 kB.
    bomb = encoded(Image.new("1", (30_000, 30_000)), "PNG")
    with pytest.raises(DataError, match="30000 x 30000 pixels are more than"):
        store_image(tmp_path, bomb, "Image")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(StoreError, match="an image cannot be written") as caught:
        store_image(tmp_path, picture_bytes(1), "Image")
    assert "goes on where it stopped" in caught.value.hint


def test_removing_leaves_no_copy(tmp_path: Path) -> None:
    stored = store_image(tmp_path, picture_bytes(1), "Image")
    kept = store_image(tmp_path, picture_bytes(2), "Image")
    assert remove_image(tmp_path, stored.path) == 3
    assert remove_image(tmp_path, stored.path) == 0
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "recipe.json"]
    assert {path.stem for path in left} == {kept.item_id}
    assert len(left) == 3
    assert len(list((tmp_path / COPIES).iterdir())) == 2
