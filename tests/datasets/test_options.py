from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.datasets.base import Origin, TestSetRef
from freshset.datasets.options import Options


def options(root: Path = Path(), /, **values: object) -> Options:
    ref = TestSetRef("a/b", "adapter", str(root / "data.bin"), values, root=root)
    return Options(ref, ("text", "texts", "flag", "number", "table", "file", "sha256"))


def test_unknown_options_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"a/b: the adapter 'adapter' has no option 'numer'") as e:
        options(numer=3)
    assert "'number'" in e.value.hint
    with pytest.raises(UsageError) as e:
        options(license="MIT")
    assert "'licence'" in e.value.hint


def test_values_come_typed() -> None:
    given = options(text=3, texts=["a", 1], flag=True, number=5, table={1: "x"})
    assert given.text("text") == "3"
    assert given.texts("texts") == ("a", "1")
    assert given.texts("text") == ("3",)
    assert given.flag("flag") is True
    assert given.number("number") == 5
    assert given.table("table") == {"1": "x"}


def test_what_is_not_given_has_a_default() -> None:
    none = options(text=None)
    assert "text" not in none
    assert none.text("text", "x") == "x"
    assert none.texts("texts") == ()
    assert none.flag("flag") is False
    assert none.number("number", 7) == 7
    assert none.table("table") == {}
    assert none.file("file") is None
    assert none.choice("text", ("one", "two")) == "one"


@pytest.mark.parametrize(
    ("get", "value", "what"),
    [
        ("text", ["a"], "a text"),
        ("text", True, "a text"),
        ("texts", [1.5], "a list of texts"),
        ("flag", "yes", "true or false"),
        ("flag", 1, "true or false"),
        ("number", "many", "a whole number"),
        ("number", True, "a whole number"),
        ("number", -1, "a whole number"),
        ("table", "a", "a mapping"),
    ],
)
def test_values_of_another_type_are_refused(get: str, value: object, what: str) -> None:
    with pytest.raises(UsageError, match=rf"a/b: text is .*, not {what}"):
        getattr(options(text=value), get)("text")


def test_a_word_must_be_one_of_those_known() -> None:
    assert options(text="two").choice("text", ("one", "two")) == "two"
    with pytest.raises(UsageError, match="text is 'three', not 'one' or 'two'"):
        options(text="three").choice("text", ("one", "two"))


def test_files_are_relative_to_the_study(tmp_path: Path) -> None:
    (tmp_path / "labels.npy").touch()
    assert options(tmp_path, file="labels.npy").file("file") == tmp_path / "labels.npy"
    with pytest.raises(UsageError, match=r"file: there is no file .*nothing\.npy"):
        options(tmp_path, file="nothing.npy").file("file")


def test_the_data_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a/b: there is no file or folder .*data\.bin"):
        options(tmp_path).path()
    with pytest.raises(UsageError, match=r"a/b: there is no file or folder ''"):
        Options(TestSetRef("a/b", "adapter", "")).path()


def test_origin_is_what_its_owners_say() -> None:
    given = options(licence="MIT", source="https://example.org", citation="A (2020)", expected_n=3)
    assert given.origin(3) == Origin("MIT", "https://example.org", "A (2020)", 3)
    with pytest.raises(DataError, match="a/b: 4 items, not the 3 of expected_n"):
        given.origin(4)
    assert options().origin(4) == Origin()


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"content")
    right = sha256_bytes(b"content")
    assert options(tmp_path, sha256=right.upper()).digest(path) == right
    with pytest.raises(DataError, match=rf"data\.bin: the SHA-256 is {right}, not 0000"):
        options(tmp_path, sha256="0000").digest(path)
    with pytest.raises(UsageError, match="a folder, not a file"):
        options(tmp_path).digest(tmp_path)
