from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from fakes.image_samples import encoded, picture
from PIL import Image, ImageFile

from freshset.core.errors import DataError, UsageError
from freshset.datasets.images import MAX_PIXELS, Decoding, decode, inspect, to_rgb


def as_loaders_do(data: bytes) -> Image.Image:
    """What the loaders of torchvision and timm do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(data)).convert("RGB")


def oriented(image: Image.Image, orientation: int, format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, format, exif=exif.tobytes())


def palette(transparency: int | bytes) -> bytes:
    return encoded(picture(3).quantize(16), "PNG", transparency=transparency)


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode == "RGB" and np.array_equal(np.asarray(one), np.asarray(other))


KINDS = {
    "jpeg": lambda: encoded(picture(0)),
    "progressive": lambda: encoded(picture(0), progressive=True),
    "grey jpeg": lambda: encoded(picture(0).convert("L")),
    "cmyk": lambda: encoded(picture(0).convert("CMYK")),
    "png": lambda: encoded(picture(0), "PNG"),
    "1 bit": lambda: encoded(picture(0).convert("1"), "PNG"),
    "grey with alpha": lambda: encoded(picture(0).convert("LA"), "PNG"),
    "rgba": lambda: encoded(
        Image.merge("RGBA", (*picture(0).split(), picture(1).convert("L"))), "PNG"
    ),
    "palette": lambda: encoded(picture(0).quantize(16), "PNG"),
    "palette, one transparent": lambda: palette(3),
    "palette, some transparent": lambda: palette(bytes(range(0, 256, 16))),
    "rgb, one transparent": lambda: encoded(picture(0), "PNG", transparency=(0, 0, 0)),
    "gif": lambda: encoded(picture(0), "GIF"),
    "webp": lambda: encoded(picture(0), "WEBP"),
    "lossless webp": lambda: encoded(picture(0), "WEBP", lossless=True),
    "bmp": lambda: encoded(picture(0), "BMP"),
    "tiff": lambda: encoded(picture(0), "TIFF", compression="tiff_lzw"),
    "big-endian tiff": lambda: b"MM\0*" + _swapped_tiff(),
    "ppm": lambda: encoded(picture(0), "PPM"),
    "rotated": lambda: oriented(picture(0), 6),
}


def _swapped_tiff() -> bytes:
    """Body of a 2 x 1 grey TIFF whose numbers are big-endian."""
    tags = [(256, 3, 2), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 3, 1), (279, 4, 2)]
    head = (12).to_bytes(4, "big") + b"\x10\xe0\0\0"
    body = len(tags).to_bytes(2, "big")
    for tag, kind, value in tags:
        packed = value.to_bytes(2, "big") + b"\0\0" if kind == 3 else value.to_bytes(4, "big")
        body += tag.to_bytes(2, "big") + kind.to_bytes(2, "big") + (1).to_bytes(4, "big") + packed
    return head + body + b"\0\0\0\0"


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_the_usual_loaders(kind: str, tmp_path: Path) -> None:
    data = KINDS[kind]()
    expected = as_loaders_do(data)
    assert same(decode(data, "x"), expected)
    (tmp_path / "wrong-name.txt").write_bytes(data)
    assert same(decode(tmp_path / "wrong-name.txt", "x"), expected)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    image = decode(encoded(Image.fromarray(ramp), "PNG"), "x")
    assert np.array_equal(np.asarray(image)[..., 1], ramp >> 8)
    tiff = decode(encoded(Image.fromarray(ramp), "TIFF"), "x")
    assert same(tiff, image)
    pgm = decode(b"P5 64 64 65535\n" + ramp.astype(">u2").tobytes(), "x")
    assert same(pgm, image)
    # What the usual loaders do with it, and the reason for the rule: all but black becomes white.
    clipped = np.asarray(as_loaders_do(encoded(Image.fromarray(ramp), "PNG")))
    assert (clipped == 255).mean() > 0.98


@pytest.mark.parametrize("values", [np.float32([[0.1, 0.9]]), np.int32([[0, 70_000]])])
def test_pixels_of_unknown_range_are_refused(values: np.ndarray) -> None:
    data = encoded(Image.fromarray(values), "TIFF")
    with pytest.raises(DataError, match=r"^a\.tif: nothing says what range its [FI] pixels have"):
        decode(data, "a.tif")


def test_32_bit_pixels_that_hold_16_bits_are_scaled() -> None:
    values = np.array([[0, 65535]], dtype=np.int32)
    image = to_rgb(Image.fromarray(values), "x")
    assert np.asarray(image)[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_taken(format: str) -> None:
    frames = [picture(row).quantize(8).convert("RGB") for row in range(3)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert inspect(data, "x").animated
    assert np.abs(np.asarray(decode(data, "x")).astype(int) - np.asarray(frames[0])).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_ignored_unless_asked_for(orientation: int) -> None:
    from PIL import ImageOps

    data = oriented(picture(0), orientation, "PNG")
    assert same(decode(data, "x"), picture(0))
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert same(decode(data, "x", orientation="apply"), turned)
    assert (decode(data, "x", orientation="apply").size == (64, 80)) == (orientation > 4)


def test_a_border_is_cut_off_and_said() -> None:
    framed = Image.new("RGB", (12, 10), (255, 0, 0))
    inner = Image.new("RGB", (10, 8), (0, 0, 255))
    framed.paste(inner, (1, 1))
    decoding = Decoding(border=1)
    assert same(decoding.inside(framed, "x"), inner)
    assert decoding.text.endswith("border=1")
    assert Decoding().inside(framed, "x") is framed
    with pytest.raises(DataError, match="12 x 10 pixels are all border"):
        Decoding(border=5).inside(framed, "x")


def test_an_orientation_that_is_none_changes_nothing() -> None:
    assert same(decode(oriented(picture(0), 9, "PNG"), "x", orientation="apply"), picture(0))
    assert same(decode(encoded(picture(0), "PNG"), "x", orientation="apply"), picture(0))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused(format: str, kept: float, tmp_path: Path) -> None:
    data = encoded(picture(0), format)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DataError) as caught:
        decode(path, str(path))
    assert str(path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"<html>quota exceeded</html>", "is not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not an image"),
        (b"\xff\xd8\xff" + bytes(40), "truncated or damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 99, "truncated or damaged"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "truncated or damaged"),
    ],
)
def test_files_that_are_no_images_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(DataError, match=rf"^dir/a\.jpg: .*{why}"):
        decode(data, "dir/a.jpg")
    if why != "truncated or damaged":
        with pytest.raises(DataError, match=why):
            inspect(data, "dir/a.jpg")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.jpg: cannot be read \(No such file"):
        decode(tmp_path / "no.jpg", "no.jpg")


def test_a_bomb_is_refused_by_its_header() -> None:
    data = encoded(Image.new("1", (12_000, 12_000)), "PNG")
    assert len(data) < 100_000
    with pytest.raises(DataError, match=r"12000 x 12000 pixels are more than 89,478,485") as caught:
        decode(data, "bomb.png")
    assert "max_pixels" in caught.value.hint


def test_the_limit_is_the_readers_own_and_not_pillows() -> None:
    assert MAX_PIXELS == Image.MAX_IMAGE_PIXELS
    with pytest.raises(DataError, match="80 x 64 pixels are more than 5,119"):
        decode(encoded(picture(0)), "x", max_pixels=5119)
    assert decode(encoded(picture(0)), "x", max_pixels=5120).size == (80, 64)
    # Beyond Pillow's own limit, where Image.open would warn, a user may still allow it.
    wide = encoded(Image.new("1", (MAX_PIXELS // 1000 + 1, 1000)), "PNG")
    with pytest.raises(DataError, match="more than"):
        decode(wide, "x")
    header = inspect(wide, "x")
    assert header.width * header.height > MAX_PIXELS
    assert decode(wide, "x", max_pixels=2 * MAX_PIXELS).width == header.width


def test_truncated_images_are_not_filled_up_behind_our_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(UsageError, match="LOAD_TRUNCATED_IMAGES is on"):
        decode(encoded(picture(0)), "x")


def test_the_text_of_the_rules_names_what_changes_pixels() -> None:
    assert Decoding().text == "image/1 orientation=ignore"
    assert Decoding("apply").text == "image/1 orientation=apply"
    assert Decoding(max_pixels=5).text == Decoding().text


def test_inspection_says_what_can_surprise() -> None:
    plain = inspect(encoded(picture(0)), "x")
    assert (plain.format, plain.mode, plain.width, plain.height) == ("JPEG", "RGB", 80, 64)
    assert plain.notes == ()
    assert inspect(encoded(picture(0).convert("L")), "x").notes == ()
    assert inspect(encoded(picture(0).convert("CMYK")), "x").notes == ("CMYK converted to RGB",)
    assert inspect(palette(3), "x").notes == ("P converted to RGB",)
    assert inspect(oriented(picture(0), 6), "x").orientation == 6
    assert inspect(oriented(picture(0), 6), "x").notes == ("EXIF orientation",)
    assert inspect(oriented(picture(0), 1), "x").notes == ()
    deep = encoded(Image.fromarray(np.zeros((4, 4), dtype=np.uint16)), "PNG")
    assert inspect(deep, "x").notes == ("more than 8 bits a channel scaled to 8",)


def test_inspection_sees_16_bit_colour() -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + struct.pack(">3H", 0x1234, 0xABCD, 0xFF00) * 2 for _ in range(2))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert inspect(data, "x").deep
    assert np.asarray(decode(data, "x"))[0, 0].tolist() == [0x12, 0xAB, 0xFF]


def test_a_damaged_exif_block_hides_no_image() -> None:
    data = encoded(picture(0), exif=b"Exif\0\0" + b"II*\0\xff\xff\xff\xff")
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        Image.open(io.BytesIO(data))
    # Warnings are errors here: this shows that there are none.
    assert same(decode(data, "x"), as_loaders_do(data))
    assert inspect(data, "x").orientation == 0
