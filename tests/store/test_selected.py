from __future__ import annotations

from pathlib import Path

import numpy as np

from freshset.core.records import Source, TestSet
from freshset.store.base import Examples
from freshset.store.parquet import ParquetStore
from freshset.store.selected import SelectedStore


def test_only_the_selected_cells_are_there(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "s", create=True)
    ids = np.array(["a", "b"], dtype=object)
    testset = TestSet("t", 2, 2, item_ids=ids, labels=np.array([0, 1], dtype=np.int32))
    with store.batch() as batch:
        batch.put_testset(testset)
        for name in ("one", "two"):
            topk = np.array([[0], [0]], dtype=np.int32)
            batch.put(Examples(name, "t", topk, Source("test", f"{name}.csv")))
    identity = store.cells("t", "two")[0].spec.identity
    selected = SelectedStore(store.path, {identity})
    assert [cell.spec.model for cell in selected.cells()] == ["two"]
    assert selected.cells("t", "one") == ()
    assert selected.matrix("t", ["two"]).label_rank.tolist() == [[1, 0]]
    assert len(store.cells()) == 2
