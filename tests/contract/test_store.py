"""What every store must do, whatever it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freshset.core.errors import StoreError
from freshset.core.records import Source, TestSet
from freshset.store.base import Counts, Examples, Store
from freshset.store.parquet import ParquetStore

ADAPTERS = {"parquet": lambda path: ParquetStore(path, create=True)}


@pytest.fixture(params=sorted(ADAPTERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return ADAPTERS[request.param](tmp_path / "store")


def items(n: int = 6, *, name: str = "mine/test") -> TestSet:
    ids = np.array([f"i{k}" for k in range(n)], dtype=object)
    labels = np.arange(n, dtype=np.int32) % 3
    return TestSet(
        name, n, 3, item_ids=ids, labels=labels, ids_given=True, class_names=("a", "b", "c")
    )


def examples(
    model: str = "m", *, shift: int = 0, file: str = "f", repair: str = "none"
) -> Examples:
    topk = ((np.arange(6) + shift) % 3).astype(np.int32)[:, None]
    return Examples(model, "mine/test", topk, Source("test", file, sha256=file), repair)


def filled(store: Store, *cells: Examples | Counts) -> Store:
    with store.batch() as batch:
        batch.put_testset(items())
        for cell in cells:
            batch.put(cell)
    return store


def test_what_is_put_comes_back(store: Store) -> None:
    filled(store, examples("right"), examples("wrong", shift=1))
    assert store.testsets() == ("mine/test",)
    back = store.testset("mine/test")
    assert back.fingerprint == items().fingerprint
    assert back.class_names == ("a", "b", "c")
    assert [(c.spec.model, c.correct["top1"]) for c in store.cells()] == [
        ("right", 6),
        ("wrong", 0),
    ]
    matrix = store.matrix("mine/test", ["wrong", "right"])
    assert matrix.models == ("wrong", "right")
    assert matrix.correct("top1").tolist() == [[False] * 6, [True] * 6]
    assert store.predictions("mine/test", ["wrong"]).tolist() == [[1, 2, 0, 1, 2, 0]]
    assert store.item_ids(store.cells()[0]).tolist() == items().ids.tolist()
    assert store.damaged() == ()


def test_the_same_again_is_no_change(store: Store) -> None:
    filled(store, examples())
    with store.batch() as batch:
        batch.put_testset(items())
        assert batch.put(examples()) is None
    assert len(store.cells()) == 1


def test_other_results_of_one_model_are_refused(store: Store) -> None:
    filled(store, examples(file="one"))
    with (
        pytest.raises(StoreError, match="already holds other results of 'm'"),
        store.batch() as batch,
    ):
        batch.put(examples(shift=1, file="two"))
    assert store.cells()[0].correct["top1"] == 6
    with store.batch(replace=True) as batch:
        batch.put(examples(shift=1, file="two"))
    assert [cell.correct["top1"] for cell in store.cells()] == [0]


def test_a_repair_of_the_same_file_supersedes(store: Store) -> None:
    filled(store, examples(shift=1))
    with store.batch() as batch:
        batch.put(examples(repair="worst-first"))
    (cell,) = store.cells()
    assert cell.spec.repair == "worst-first"
    with store.batch() as batch:
        batch.put(examples(shift=1))
    (cell,) = store.cells()
    assert cell.spec.repair == "none"


def test_failure_leaves_the_store_as_it_was(store: Store) -> None:
    filled(store, examples("kept"))
    with pytest.raises(RuntimeError, match="half way"), store.batch() as batch:
        batch.put(examples("lost"))
        raise RuntimeError("half way")
    assert [cell.spec.model for cell in store.cells()] == ["kept"]


def test_another_version_of_a_test_set_is_refused(store: Store) -> None:
    filled(store)
    with pytest.raises(StoreError, match="7 items|6 items in the store"), store.batch() as batch:
        batch.put_testset(items(7))
    changed = items()
    changed.known_labels[2] = 0
    with (
        pytest.raises(StoreError, match="other labels .1 differ, first at row 2"),
        store.batch() as batch,
    ):
        batch.put_testset(changed)


def test_counts_live_beside_examples_and_gain_items(store: Store) -> None:
    table = Counts("t", "mine/test", 6, {"top1": 4}, Source("table"))
    with store.batch() as batch:
        batch.put_testset(TestSet("mine/test", 6))
        batch.put(table)
    assert not store.testset("mine/test").has_items
    filled(store, examples("m"))
    assert store.testset("mine/test").has_items
    assert {cell.spec.model: cell.kind for cell in store.cells()} == {
        "m": "examples",
        "t": "counts",
    }
    with pytest.raises(StoreError, match="no predictions of 't'"):
        store.matrix("mine/test", ["t"])


def test_unknown_names_say_what_is_known(store: Store) -> None:
    filled(store)
    with pytest.raises(StoreError, match="Did you mean 'mine/test'"):
        store.testset("mine/tset")
    with pytest.raises(StoreError, match="not in the store"), store.batch() as batch:
        batch.put(Examples("m", "x", np.zeros((1, 1), dtype=np.int32), Source("t")))


@pytest.mark.parametrize(
    "model", ["a/b", "..", ".hidden", "CON", "x" * 300, "naïve 模型", "a*b[c]"]
)
def test_any_model_name_is_safe(store: Store, model: str) -> None:
    filled(store, examples(model))
    assert [cell.spec.model for cell in store.cells("mine/test")] == [model]
    assert store.matrix("mine/test", [model]).models == (model,)
