from __future__ import annotations

from collections.abc import Callable

import pytest

from freshset.engine.backends.local import LocalBackend
from freshset.engine.cost import estimate
from freshset.engine.plan import make_plan
from freshset.engine.run import run_plan
from freshset.engine.wanted import Wanted
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]


def test_what_a_plan_takes(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a", "b?seed=1", "c?shared=other", "far?download=100", "vague?download=-1")
    cost = estimate(make_plan(study, store), store)
    assert (cost.cells, cost.items) == (10, 5 * (40 + 30))
    assert cost.reads == 2 * (40 + 30)
    assert (cost.download, cost.downloads_unknown) == (100, 1)
    assert cost.disk == 5 * 70 * (6 + 8 * 5)
    assert not store.path.exists()


def test_models_that_do_not_fit_in_memory_together_read_again(
    wanted: Make, store: ParquetStore
) -> None:
    study = wanted("a", "b?seed=1", "c?seed=2", models_at_once=2)
    assert estimate(make_plan(study, store), store).reads == 2 * 70


def test_stored_predictions_read_no_item(wanted: Make, store: ParquetStore) -> None:
    cost = estimate(make_plan(wanted("a", "b?input=id"), store), store)
    assert (cost.items, cost.reads) == (2 * 70, 70)


def test_a_shard_takes_its_part(wanted: Make, store: ParquetStore) -> None:
    names = [f"m{i}?seed={i}" for i in range(6)]
    parts = [
        estimate(make_plan(wanted(*names, shard=(i, 3)), store), store).items for i in (1, 2, 3)
    ]
    assert sum(parts) == 6 * 70
    assert all(parts)


def test_what_is_stored_costs_nothing(wanted: Make, store: ParquetStore) -> None:
    study = wanted("a")
    run_plan(make_plan(study, store), store, LocalBackend(study.settings))
    cost = estimate(make_plan(wanted("a", "b?seed=1"), store), store)
    assert (cost.cells, cost.items) == (2, 70)
    assert estimate(make_plan(wanted("a", on_existing="always"), store), store).items == 70
    assert estimate(make_plan(wanted("c", on_existing="only-cache"), store), store).cells == 0


def test_scores_take_more_disk(wanted: Make, store: ParquetStore) -> None:
    small = estimate(make_plan(wanted("a", topk=1), store), store)
    large = estimate(make_plan(wanted("a", save="scores"), store), store)
    assert small.disk == 70 * 14
    assert large.disk == 70 * (46 + 2 * 5)


def test_rows_that_are_recorded_are_not_run_again(
    wanted: Make, store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fakes import testbed

    from freshset.engine import run as module

    monkeypatch.setattr(module, "_CHUNK", 8)
    study = wanted("a?raise_at=20", "b?seed=1", testsets={"mine/old": {}})
    calls = 0
    predict = testbed.FakeModel.predict

    def stops(self: testbed.FakeModel, batch: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise KeyboardInterrupt
        return predict(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(testbed.FakeModel, "predict", stops)
        with pytest.raises(KeyboardInterrupt):
            run_plan(make_plan(study, store), store, LocalBackend(study.settings))
    assert {partial.rows for partial in store.partials().values()} == {16}
    cost = estimate(make_plan(study, store), store)
    assert (cost.items, cost.reads) == (2 * 24, 24)
