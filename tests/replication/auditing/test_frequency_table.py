from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.core.records import Source, TestSet
from freshset.replication.auditing.frequency_table import frequency_table
from freshset.store.base import Counts, Examples, Store
from freshset.store.parquet import ParquetStore

# Item 4 has no answers, item 5 is unknown altogether.
SELECTED, ANSWERS = [3, 5, 2, 1, 0], [5, 5, 5, 10, 0]


@pytest.fixture
def frequencies() -> Frequencies:
    ids = np.array([f"i{i}" for i in range(5)], dtype=object)
    keys = np.array(["cat"] * 5, dtype=object)
    return Frequencies(ids, keys, np.array(SELECTED, float), np.array(ANSWERS, float))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = ParquetStore(tmp_path / "store", create=True)
    items = TestSet(
        "pets/new", 6, 2, item_ids=np.array([f"i{i}" for i in range(6)], dtype=object),
        labels=np.zeros(6, np.int32), ids_given=True, class_names=("cat", "dog"),
    )  # fmt: skip
    with store.batch() as batch:
        batch.put_testset(items)
        for model, wrong in {"m1": [0, 3], "m2": [1, 2, 3, 5]}.items():
            topk = np.zeros((6, 1), dtype=np.int32)
            topk[wrong] = 1
            batch.put(Examples(model, "pets/new", topk, Source("test", model)))
    return store


def test_accuracy_in_every_bin(store: Store, frequencies: Frequencies) -> None:
    table = frequency_table(store, "pets/new", frequencies)
    # 3 of 5 lies in the bin that begins at 0.6, 2 of 5 in that which begins at 0.4.
    assert table.bins == ("0.0 to 0.2", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 1.0", "missing")
    assert table.sizes == (1, 1, 1, 1, 2)
    values = {(row.model, row.bin): row.top1.value for row in table.rows}
    assert [values["m1", bin] for bin in table.bins] == [0, 100, 0, 100, 100]
    assert [values["m2", bin] for bin in table.bins] == [0, 0, 100, 0, 50]
    assert all(row.top1.low <= row.top1.value <= row.top1.high for row in table.rows)


def test_all_items_are_in_one_bin_or_another(store: Store, frequencies: Frequencies) -> None:
    table = frequency_table(store, "pets/new", frequencies, edges=(0.25,))
    assert table.bins == ("0.00 to 0.25", "0.25 to 1.00", "missing")
    assert sum(table.sizes) == 6
    document = table.to_dict()
    assert document["schema"] == "freshset.frequency-table/1"
    assert document["bins"][1] == {"bin": "0.25 to 1.00", "n": 3}
    assert frequency_table(store, "pets/new", frequencies, edges=()).bins == (
        "0.0 to 1.0",
        "missing",
    )


@pytest.mark.parametrize("edges", [(0.5, 0.5), (0.0, 0.5), (0.5, 1.0)])
def test_edges_rise(store: Store, frequencies: Frequencies, edges: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="do not rise"):
        frequency_table(store, "pets/new", frequencies, edges=edges)


def test_a_set_without_predictions(store: Store, frequencies: Frequencies) -> None:
    with store.batch() as batch:
        batch.put_testset(TestSet("pets/old", 5))
        batch.put(Counts("m1", "pets/old", 5, {"top1": 3}, Source("test")))
    with pytest.raises(StoreError, match="no per-example results on 'pets/old'"):
        frequency_table(store, "pets/old", frequencies)


def test_frequencies_of_other_images(store: Store, frequencies: Frequencies) -> None:
    frequencies.class_keys[:] = "dog"
    with pytest.raises(DataError, match="hold no item of pets/new"):
        frequency_table(store, "pets/new", frequencies)
