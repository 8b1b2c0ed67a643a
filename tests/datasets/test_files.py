from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.datasets.files import content_digest, inside, size_of, sizes_digest

ROOT = Path("data")


@pytest.mark.parametrize("name", ["a.jpg", "x/a.jpg", "./a.jpg", "x/../a.jpg", "..a.jpg", "x..y/a"])
def test_names_inside_are_taken(name: str) -> None:
    path = inside(ROOT, name, "m.csv: row 3")
    assert path.resolve().is_relative_to(ROOT.resolve())


@pytest.mark.parametrize("name", ["/etc/passwd", "..", "../a.jpg", "x/../../a.jpg", "a\0.jpg"])
def test_names_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(DataError, match=r"^m\.csv: row 3: .* lies outside the folder data\."):
        inside(ROOT, name, "m.csv: row 3")


def test_no_name_is_no_file() -> None:
    with pytest.raises(DataError, match="row 3: no file is named"):
        inside(ROOT, "", "row 3")


def test_a_missing_file_is_named_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    assert size_of(tmp_path / "a", "row 0") == 3
    with pytest.raises(DataError, match=r"^row 1: .*b cannot be read"):
        size_of(tmp_path / "b", "row 1")


def test_digests_see_ids_sizes_and_order() -> None:
    digest = sizes_digest(["a", "b"], [1, 2])
    assert digest.startswith("sizes:")
    assert digest == sizes_digest(iter(["a", "b"]), iter([1, 2]))
    assert len({digest, sizes_digest("ab", [2, 1]), sizes_digest("ba", [1, 2])}) == 3
    with pytest.raises(ValueError, match="longer"):
        sizes_digest("a", [1, 2])


def test_content_is_seen_where_sizes_are_the_same() -> None:
    one = content_digest(["a"], lambda _: b"1")
    assert one.startswith("content:")
    assert one != content_digest(["a"], lambda _: b"2")
    assert one != content_digest(["b"], lambda _: b"1")
