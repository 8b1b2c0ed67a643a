from __future__ import annotations

from pathlib import Path

from freshset.generalization.overlaps import overlaps
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


def test_sets_without_common_models_still_overlap(tmp_path: Path) -> None:
    for name, model in (("a", "m"), ("b", "n")):
        (tmp_path / "l.csv").write_text("id,label\nx,0\ny,1\n" + f"{name},1\n")
        (tmp_path / "p.csv").write_text("id,pred\nx,0\ny,0\n" + f"{name},1\n")
        import_results(
            "predictions",
            {model: tmp_path / "p.csv"},
            tmp_path / "s",
            testset=name,
            labels=tmp_path / "l.csv",
        )
    store = ParquetStore(tmp_path / "s")
    by_set = {
        name: [c for c in store.cells() if c.spec.testset == name] for name in store.testsets()
    }
    (issue,) = overlaps(store, by_set)
    assert issue.message == (
        "a and b share 2 items (67 % of the smaller set): results on them are not independent."
    )
