from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.core.records import Source, TestSet
from freshset.replication.auditing.strategies_table import strategies_table
from freshset.store.base import Examples, Store
from freshset.store.parquet import ParquetStore


def put(store: Store, testset: str, right: dict[str, int], *, k: int = 5) -> None:
    """Ten items of class 0; where a model is wrong, the label is its second prediction."""
    items = TestSet(
        testset, 10, 6, item_ids=np.array([f"{testset}-{i}" for i in range(10)], dtype=object),
        labels=np.zeros(10, np.int32), ids_given=True, class_names=tuple("abcdef"),
    )  # fmt: skip
    with store.batch() as batch:
        batch.put_testset(items)
        for model, number in right.items():
            topk = np.tile(np.arange(6, dtype=np.int32), (10, 1))
            topk[number:, :2] = [1, 0]
            batch.put(Examples(model, testset, topk[:, :k], Source("test", f"{testset}{model}")))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = ParquetStore(tmp_path / "store", create=True)
    put(store, "pets/old", {"m1": 8, "m2": 6, "only-old": 1})
    put(store, "pets/matched", {"m1": 6, "m2": 5})
    put(store, "pets/top", {"m1": 10, "m2": 8, "only-top": 1})
    return store


def frequencies(testset: str, value: float) -> Frequencies:
    """Half of the set's images with one frequency."""
    ids = np.array([f"{testset}-{i}" for i in range(5)], dtype=object)
    n = np.full(5, 10.0)
    return Frequencies(ids, np.array(["a"] * 5, dtype=object), n * value, n)


def test_one_row_a_strategy_over_common_models(store: Store) -> None:
    table = strategies_table(store, "pets/old", {"matched": "pets/matched", "top": "pets/top"})
    assert (table.original, table.models) == ("pets/old", ("m1", "m2"))
    assert [(row.strategy, row.n) for row in table.rows] == [("matched", 10), ("top", 10)]
    assert [row.top1.value for row in table.rows] == pytest.approx([-15, 20])
    assert table.rows[0].top5 is not None
    assert table.rows[0].top5.value == 0
    assert table.rows[0].top1.low < -15 < table.rows[0].top1.high
    assert np.isnan(table.rows[0].mean_frequency)
    assert table.to_dict()["rows"][0]["mean_frequency"] is None


def test_the_mean_frequency_is_of_images_with_answers(store: Store) -> None:
    known = frequencies("pets/matched", 0.7)
    row = strategies_table(store, "pets/old", {"matched": "pets/matched"}, known).rows[0]
    assert (row.mean_frequency, row.unknown) == (pytest.approx(0.7), 5)


def test_without_five_predictions_there_is_no_top5(store: Store) -> None:
    put(store, "pets/short", {"m1": 6, "m2": 5}, k=1)
    row = strategies_table(store, "pets/old", {"short": "pets/short"}).rows[0]
    assert row.top5 is None
    assert row.top1.value == pytest.approx(-15)


def test_what_cannot_be_tabulated(store: Store) -> None:
    with pytest.raises(UsageError, match="No strategy"):
        strategies_table(store, "pets/old", {})
    put(store, "pets/other", {"m9": 3})
    with pytest.raises(StoreError, match="no model has per-example results on all of"):
        strategies_table(store, "pets/old", {"other": "pets/other"})
    with pytest.raises(DataError, match="hold no item of pets/top"):
        strategies_table(store, "pets/old", {"top": "pets/top"}, frequencies("pets/matched", 0.7))


@pytest.mark.shared_data
def test_the_published_mean_changes_of_matched_frequency(imagenet_store: Path) -> None:
    """Recht et al. (2019), table 1: -11.8 and -8.2 points; 67 models here, 66 there."""
    store = ParquetStore(imagenet_store)
    row = strategies_table(
        store, "imagenet/val", {"MatchedFrequency": "imagenetv2/matched-frequency"}
    ).rows[0]
    assert row.top5 is not None
    assert round(row.top1.value, 1) == -11.8
    assert round(row.top5.value, 1) == -8.2
