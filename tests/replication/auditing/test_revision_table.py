from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import StoreError, UsageError
from freshset.core.records import Source, TestSet
from freshset.replication.auditing.revision_table import revision_table
from freshset.stats.intervals import clopper_pearson
from freshset.store.base import Examples, Store
from freshset.store.importers import import_results
from freshset.store.parquet import ParquetStore


def put(store: Store, testset: str, accuracy: dict[str, int], n: int = 10) -> None:
    """Models that are right on so many of ``n`` items."""
    items = TestSet(
        testset, n, 6,
        item_ids=np.array([f"{testset}-{i}" for i in range(n)], dtype=object),
        labels=np.zeros(n, np.int32), ids_given=True,
    )  # fmt: skip
    with store.batch() as batch:
        batch.put_testset(items)
        for model, right in accuracy.items():
            topk = np.tile(np.arange(5, dtype=np.int32), (n, 1))
            topk[right:] = topk[right:] + 1
            batch.put(Examples(model, testset, topk, Source("test", f"{testset}-{model}")))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = ParquetStore(tmp_path / "store", create=True)
    put(store, "pets/r-2", {"big": 8, "small": 6})
    put(store, "pets/r-10", {"big": 9, "small": 7, "late": 3})
    put(store, "pets/r-1", {"big": 5, "small": 5}, n=20)
    return store


def test_revisions_are_in_order_of_their_numbers_and_as_asked(store: Store) -> None:
    assert revision_table(store, ["pets/r-*"]).revisions == ("pets/r-1", "pets/r-2", "pets/r-10")
    table = revision_table(store, ["pets/r-10", "pets/r-*"])
    assert table.revisions == ("pets/r-10", "pets/r-1", "pets/r-2")


def test_every_model_has_its_row_and_means_are_over_common_models(store: Store) -> None:
    table = revision_table(store, ["pets/r-*"])
    assert [(row.revision, row.model, row.top1.value) for row in table.rows] == [
        ("pets/r-1", "big", 25), ("pets/r-1", "small", 25),
        ("pets/r-2", "big", 80), ("pets/r-2", "small", 60),
        ("pets/r-10", "big", 90), ("pets/r-10", "late", 30), ("pets/r-10", "small", 70),
    ]  # fmt: skip
    assert table.common == ("big", "small")
    assert [(m.n, m.top1, m.change) for m in table.means] == [
        (20, 25, 0),
        (10, 70, 45),
        (10, 80, 55),
    ]
    bounds = clopper_pearson(8, 10)
    row = next(row for row in table.rows if (row.revision, row.model) == ("pets/r-2", "big"))
    assert (row.top1.low, row.top1.high) == pytest.approx((100 * bounds.low, 100 * bounds.high))
    assert row.top5 is not None
    assert row.top5.value == 80


def test_models_may_be_chosen(store: Store) -> None:
    table = revision_table(store, ["pets/r-2", "pets/r-10"], models=["la*", "small"])
    assert [row.model for row in table.rows] == ["small", "late", "small"]
    assert table.common == ("small",)


def test_without_a_common_model_there_are_no_means(store: Store) -> None:
    put(store, "pets/r-11", {"other": 1})
    table = revision_table(store, ["pets/*"])
    assert (table.common, table.means) == ((), ())
    assert len(table.rows) == 8


def test_the_document(store: Store) -> None:
    document = revision_table(store, ["pets/r-2"]).to_dict()
    assert document["schema"] == "freshset.revision-table/1"
    assert document["rows"][0]["top1"]["value"] == 80


def test_wrong_names_are_said(store: Store) -> None:
    with pytest.raises(UsageError, match="'pets/q-\\*'"):
        revision_table(store, ["pets/q-*"])
    with pytest.raises(UsageError, match="No model") as error:
        revision_table(store, ["pets/r-2"], models=["bik"])
    assert "'big'" in error.value.hint
    with store.batch() as batch:
        batch.put_testset(TestSet("pets/r-3", 4))
    with pytest.raises(StoreError, match="no classification results on 'pets/r-3'"):
        revision_table(store, ["pets/*"])


@pytest.mark.shared_data
def test_accuracy_by_revision_of_imagenetv2(
    shared_data: Path, imagenet_store: Path, tmp_path: Path
) -> None:
    """The building of MatchedFrequency alone moved ResNet-152 by 5.5 points."""
    archive = shared_data / "imagenetv2"
    early = tuple(f"imagenetv2/b-{number}" for number in range(1, 24))
    extra = ("imagenetv2/a-16", "imagenet/annotatedval20k-0")
    report = import_results(
        "imagenetv2", archive, tmp_path / "store",
        testset=(*early, *extra, "imagenetv2/matched-frequency"), repair="worst-first",
    )  # fmt: skip
    assert len(report.testsets) == 26
    store = ParquetStore(tmp_path / "store")
    table = revision_table(store, ["imagenetv2/b-*", "imagenetv2/matched-frequency"])
    assert table.revisions == (*early, "imagenetv2/matched-frequency")
    assert table.common == ("alexnet", "resnet152", "resnet18", "resnet34")
    by_revision = {row.revision: row for row in table.rows if row.model == "resnet152"}
    assert [
        round(by_revision[name].top1.value, 2)
        for name in ("imagenetv2/b-1", "imagenetv2/b-23", "imagenetv2/matched-frequency")
    ] == [61.48, 65.33, 67.02]
    assert by_revision["imagenetv2/b-1"].n == 9_958
    final = {
        (row.revision, row.model): row.top1.value
        for row in revision_table(store, [*extra, "imagenetv2/matched-frequency"]).rows
    }
    original = revision_table(ParquetStore(imagenet_store), ["imagenet/val"], models=["resnet50"])
    assert original.rows[0].top1.value == pytest.approx(76.13, abs=0.01)
    assert final["imagenet/annotatedval20k-0", "resnet50"] == pytest.approx(76.14, abs=0.01)
    assert final["imagenetv2/matched-frequency", "resnet50"] == pytest.approx(63.33, abs=0.01)
    assert final["imagenetv2/a-16", "resnet50"] == pytest.approx(69.99, abs=0.01)
