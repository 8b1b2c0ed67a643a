from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError, StoreError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore

HEAD = "model,testset,n,correct\n"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_counts(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "# a comment\nmodel,testset,n,correct,correct_top5\na,x/old,100,90,99\nb,x/old,100,80,\n",
    )
    report = import_results("table", path, tmp_path / "s")
    a, b = ParquetStore(tmp_path / "s").cells()
    assert (a.correct, a.kind, a.k, a.approximate) == ({"top1": 90, "top5": 99}, "counts", 0, False)
    assert b.correct == {"top1": 80}
    assert report.warnings == []


def test_accuracies_are_approximate(tmp_path: Path) -> None:
    report = import_results(
        "table", table(tmp_path, "model,testset,n,accuracy\na,x,1000,0.9\n"), tmp_path / "s"
    )
    (cell,) = ParquetStore(tmp_path / "s").cells()
    assert cell.approximate
    assert cell.correct["top1"] == pytest.approx(900)
    assert "approximate" in report.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,testset,correct\na,x,1\n", "no column 'n'"),
        (HEAD, "no rows"),
        ("", "cannot be read as csv"),
        (HEAD + "a,x,100,101\n", "row 0: correct is 101"),
        (HEAD + "a,x,100,-1\n", "row 0: correct is -1"),
        (HEAD + "a,x,100,9\na,x,100,9\n", "row 1: 'a' on 'x' occurs twice"),
        (HEAD + "a,x,100,9\nb,x,90,9\n", "100 items in one row and 90 in another"),
        (HEAD + "a,x,100,\n", "row 0: correct is nan"),
        (HEAD + "a,x,many,9\n", "row 0: n is 'many'"),
        (HEAD + "a,x,10.5,9\n", "row 0: n is 10.5"),
        (HEAD + "a,x,0,0\n", "row 0: n is 0"),
        ("model,testset,n,accuracy\na,x,100,76.1\n", "write 0.761, not 76.1"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        import_results("table", table(tmp_path, text), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_sizes_must_agree_with_the_store(tmp_path: Path) -> None:
    import_results("table", table(tmp_path, HEAD + "a,x,100,9\n"), tmp_path / "s")
    with pytest.raises(StoreError, match="'x' has 100 items in the store, not 90"):
        import_results("table", table(tmp_path, HEAD + "b,x,90,9\n"), tmp_path / "s")
