"""Lists of images as the data sets publish them."""

from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.datasets.item_lists import missing_text, read_item_list


@pytest.mark.parametrize(
    "text",
    [
        "a/one 1.jpg\nb/two.JPG\n",
        "/a/one 1.jpg\n/b/two.JPG\n",  # SUN397
        "path\na/one 1.jpg\nb/two.JPG\n",  # Birdsnap
        "a/one 1.jpg 0\nb/two.JPG 1\n\n",  # with labels, as ssl-transfer has it
        "\ufeffa/one 1.jpg\r\nb/two.JPG\r\n",
    ],
)
def test_every_way_of_listing_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.txt").write_text(text, encoding="utf-8", newline="")
    assert read_item_list(tmp_path / "list.txt") == {"a/one 1.jpg", "b/two.JPG"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a/1.jpg\nb/2\n", "line 2: 'b/2' is no image file"),
        (b"a/1.jpg\npath\n", "line 2: 'path' is no image file"),
        (b"a/1.jpg\na/2.jpg\n/a/1.jpg\n", "lines 1 and 3 are the same, 'a/1.jpg'"),
        (b"path\n", "lists no images"),
        (b"\xff\xfe", "cannot be read as text"),
    ],
)
def test_what_is_no_list(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(DataError, match=said):
        read_item_list(tmp_path / "list.txt")


def test_what_is_missing() -> None:
    assert missing_text({"a", "b"}, {"a", "b", "c"}) == ""
    assert missing_text({"b", "a", "c"}, {"c"}) == (
        "2 of the 3 listed images are not there, the first is 'a'"
    )
