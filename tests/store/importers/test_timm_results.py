from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError, UsageError
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore

HEAD = "model,img_size,top1,top1_err,top5,top5_err\n"


def table(tmp_path: Path, rows: str, head: str = HEAD) -> Path:
    path = tmp_path / "results.csv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def test_percentages_become_approximate_counts(tmp_path: Path) -> None:
    path = table(tmp_path, "a,224,80.000,20,95.000,5\nb,224,100,0,100,0\n")
    import_results("timm", path, tmp_path / "s", testset="imagenetv2-b-33")
    a, b = ParquetStore(tmp_path / "s").cells("imagenetv2/matched-frequency")
    assert (a.n, a.approximate) == (10_000, True)
    assert a.correct == pytest.approx({"top1": 8_000, "top5": 9_500})
    assert b.correct["top1"] == 10_000


def test_a_model_at_two_sizes_is_two_models(tmp_path: Path) -> None:
    path = table(tmp_path, "a,224,80,20,95,5\na,384,82,18,96,4\nb,224,70,30,90,10\n")
    import_results("timm", path, tmp_path / "s", testset="imagenet/val")
    names = [cell.spec.model for cell in ParquetStore(tmp_path / "s").cells()]
    assert names == ["a?img_size=224", "a?img_size=384", "b"]


def test_bad_tables(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1: 'a.img_size=224' occurs twice"):
        import_results(
            "timm",
            table(tmp_path, "a,224,1,1,1,1\na,224,1,1,1,1\n"),
            tmp_path / "s",
            testset="imagenet/val",
        )
    with pytest.raises(DataError, match="row 0: top1 is 101"):
        import_results(
            "timm", table(tmp_path, "a,224,101,1,1,1\n"), tmp_path / "s", testset="imagenet/val"
        )
    with pytest.raises(DataError, match="row 0: top1 is nan"):
        import_results(
            "timm", table(tmp_path, "a,224,,1,1,1\n"), tmp_path / "s", testset="imagenet/val"
        )
    with pytest.raises(DataError, match="no column 'top1'"):
        import_results(
            "timm", table(tmp_path, "a,1\n", "model,acc\n"), tmp_path / "s", testset="imagenet/val"
        )
    with pytest.raises(DataError, match="no rows"):
        import_results("timm", table(tmp_path, ""), tmp_path / "s", testset="imagenet/val")
    assert not (tmp_path / "s").exists()


def test_fractions_are_not_taken_for_percentages(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="look like fractions"):
        import_results(
            "timm", table(tmp_path, "a,224,0.8,0.2,1,0\n"), tmp_path / "s", testset="imagenet/val"
        )
    assert not (tmp_path / "s").exists()


def test_unknown_sets_need_their_size(tmp_path: Path) -> None:
    path = table(tmp_path, "a,224,80,20,95,5\n")
    with pytest.raises(UsageError, match="Give it with --n"):
        import_results("timm", path, tmp_path / "s", testset="mine/set")
    with pytest.raises(UsageError, match="--n 0: not a number of items"):
        import_results("timm", path, tmp_path / "s", testset="mine/set", n=0)
    import_results("timm", path, tmp_path / "s", testset="mine/set", n=46_837)
    assert ParquetStore(tmp_path / "s").cells()[0].n == 46_837
