from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import TestSetRef
from freshset.datasets.contract import Subject, checks
from freshset.datasets.documents import ADAPTER

TEXTS = ["One.\n\nStill one.", "Zwei ½ größer", "three" * 400]


def ref(path: Path, **options: Any) -> TestSetRef:
    return TestSetRef("corpus/test", "documents", str(path), options, root=path.parent)


def folder(path: Path) -> TestSetRef:
    (path / "sub").mkdir(parents=True)
    for name, text in zip(("a.txt", "b.txt", "sub/a.txt"), TEXTS, strict=True):
        (path / name).write_text(text, encoding="utf-8")
    (path / "notes.md").write_text("not a document")
    return ref(path)


def parts(path: Path) -> TestSetRef:
    path.write_text("\n<|end|>\n".join(TEXTS) + "\n<|end|>\n", encoding="utf-8")
    return ref(path, separator="<|end|>")


def table(path: Path) -> TestSetRef:
    frame = pd.DataFrame({"id": ["a", "b", "c"], "text": TEXTS, "year": [1, 2, 2]})
    if path.suffix == ".parquet":
        frame.to_parquet(path, row_group_size=2)
    else:
        frame.to_json(path, orient="records", lines=True)
    return ref(path, strata="year")


MAKERS = {
    "folder": lambda path: folder(path / "texts"),
    "parts": lambda path: parts(path / "corpus.raw"),
    "jsonl": lambda path: table(path / "corpus.jsonl"),
    "parquet": lambda path: table(path / "corpus.parquet"),
}


@pytest.mark.parametrize("check", checks(), ids=str)
@pytest.mark.parametrize("maker", MAKERS)
def test_the_contract(tmp_path: Path, maker: str, check: Any) -> None:
    check(Subject(ADAPTER.open, MAKERS[maker](tmp_path)))


def test_the_same_documents_wherever_they_lie(tmp_path: Path) -> None:
    readers = [ADAPTER.open(make(tmp_path)) for make in MAKERS.values()]
    for reader in readers:
        assert [reader.read(row) for row in range(3)] == TEXTS
        assert (reader.testset.task, reader.item) == ("language-modelling", "text")
    assert len({reader.testset.gold for reader in readers}) == 1
    assert [reader.testset.ids.tolist() for reader in readers[:3]] == [
        ["a.txt", "b.txt", "sub/a.txt"],
        ["0", "1", "2"],
        ["a", "b", "c"],
    ]
    assert [reader.testset.ids_given for reader in readers] == [True, False, True, True]
    assert readers[2].testset.strata["year"].tolist() == [1, 2, 2]


def test_one_letter_more_is_another_test_set(tmp_path: Path) -> None:
    one = ADAPTER.open(folder(tmp_path / "texts"))
    (tmp_path / "texts" / "b.txt").write_text("Zwei ½ größers", encoding="utf-8")
    two = ADAPTER.open(ref(tmp_path / "texts"))
    assert one.testset.fingerprint != two.testset.fingerprint
    assert one.reading != two.reading


@pytest.mark.parametrize(
    ("text", "separator", "documents"),
    [
        ("a\n--\nb", "--", ["a", "b"]),
        ("--\na\n--\n--\n\nb \n\n--\n", "--", ["a", "b "]),
        ("a\r\n--\r\nb\r\n", "--", ["a", "b"]),
        ("\ufeffa\n--\nb", "--", ["a", "b"]),
        ("\ufeff--\na\n--\nb", "--", ["a", "b"]),
        ("a -- b\n--\n -- \n", "--", ["a -- b", " -- "]),
        ("a\nb\n\n\nc\n", "", ["a\nb", "c"]),
        ("a\n\n\nb\n--\nc", "--", ["a\n\n\nb", "c"]),
    ],
)
def test_where_documents_end(
    tmp_path: Path, text: str, separator: str, documents: list[str]
) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(text.encode())
    reader = ADAPTER.open(ref(path, separator=separator))
    assert [reader.read(row) for row in range(reader.testset.n)] == documents


def test_a_separator_must_be_said_and_occur(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("a<|end|>\nb")
    with pytest.raises(UsageError, match=r"nothing says where in corpus\.txt a document ends"):
        ADAPTER.open(ref(path))
    with pytest.raises(DataError, match=r"no line is '<\|end\|>'"):
        ADAPTER.open(ref(path, separator="<|end|>"))
    path.write_text("--\n--\n")
    with pytest.raises(DataError, match="no documents"):
        ADAPTER.open(ref(path, separator="--"))


def test_bad_documents_are_named(tmp_path: Path) -> None:
    here = folder(tmp_path / "texts")
    (tmp_path / "texts" / "sub" / "a.txt").write_bytes(b"fa\xe7ade")
    with pytest.raises(DataError, match=r"sub/a\.txt: not UTF-8 text \(byte 2\)"):
        ADAPTER.open(here)
    (tmp_path / "texts" / "sub" / "a.txt").write_text(" \n")
    with pytest.raises(DataError, match=r"sub/a\.txt: nothing but white space"):
        ADAPTER.open(here)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"no \.txt files"):
        ADAPTER.open(ref(tmp_path / "none"))


def test_changed_and_vanished_files_are_not_read_on(tmp_path: Path) -> None:
    reader = ADAPTER.open(parts(tmp_path / "corpus.raw"))
    (tmp_path / "corpus.raw").write_text("short")
    with pytest.raises(DataError, match="has changed"):
        reader.read(0)
    reader = ADAPTER.open(folder(tmp_path / "texts"))
    (tmp_path / "texts" / "a.txt").unlink()
    with pytest.raises(DataError, match=r"a\.txt: cannot be read"):
        reader.read(0)
    with pytest.raises(IndexError):
        reader.read(3)


def test_options_belong_to_a_form(tmp_path: Path) -> None:
    here = folder(tmp_path / "texts")
    with pytest.raises(UsageError, match="no option 'separator'"):
        ADAPTER.open(ref(Path(here.path), separator="--"))
    with pytest.raises(UsageError, match="there is no file or folder"):
        ADAPTER.open(ref(tmp_path / "absent.txt", separator="--"))
