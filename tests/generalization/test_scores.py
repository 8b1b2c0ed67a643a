from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from freshset.core.config import CompareSettings
from freshset.generalization.scores import gather
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


def test_best_on_the_old_set_comes_first_and_ties_go_by_the_new(tmp_path: Path) -> None:
    rows = [("a", 8, 1), ("b", 9, 5), ("c", 8, 3), ("d", 8, 3)]
    table = [(m, t, 10, k) for m, old, new in rows for t, k in (("x", old), ("y", new))]
    pd.DataFrame(table, columns=["model", "testset", "n", "correct"]).to_csv(
        tmp_path / "t.csv", index=False
    )
    import_results("table", tmp_path / "t.csv", tmp_path / "s")
    scores = gather(ParquetStore(tmp_path / "s"), "x", "y", CompareSettings())
    assert scores.models == ("b", "c", "d", "a")
    assert scores.k_new.tolist() == [5, 3, 3, 1]
    assert not scores.per_example
    assert scores.hits() == (None, None)
    assert any("No per-example predictions" in text for text in scores.warnings)


def test_one_count_cell_makes_the_comparison_one_of_counts(archive: Path, tmp_path: Path) -> None:
    import_results("imagenetv2", archive, tmp_path / "s")
    table = "model,testset,n,correct\nt,imagenet/val,80,40\nt,imagenetv2/matched-frequency,40,20\n"
    (tmp_path / "t.csv").write_text(table)
    import_results("table", tmp_path / "t.csv", tmp_path / "s")
    store = ParquetStore(tmp_path / "s")
    names = ("imagenet/val", "imagenetv2/matched-frequency")
    assert not gather(store, *names, CompareSettings()).per_example
    assert gather(store, *names, CompareSettings(exclude=("t",))).per_example


def test_approximate_counts_are_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("model,testset,n,accuracy\na,x,10,0.5\na,y,10,0.4\n")
    import_results("table", tmp_path / "t.csv", tmp_path / "s")
    scores = gather(ParquetStore(tmp_path / "s"), "x", "y", CompareSettings())
    assert scores.approximate
    assert any("rounded percentages" in text for text in scores.warnings)
    assert scores.accuracy_old == pytest.approx([0.5])


def test_the_mark_of_a_touched_set_is_gathered(archive: Path, tmp_path: Path) -> None:
    import_results("imagenetv2", archive, tmp_path / "s")
    store = ParquetStore(tmp_path / "s")
    names = ("imagenet/val", "imagenetv2/matched-frequency")
    assert gather(store, *names, CompareSettings()).touched == ()
    with store.batch() as batch:
        batch.put_testset(replace(store.testset(names[1]), touched="un-frozen: a wrong label"))
    assert gather(store, *names, CompareSettings()).touched == (
        (names[1], "un-frozen: a wrong label"),
    )
